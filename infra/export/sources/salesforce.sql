-- Six of the nine tables from Salesforce as Fivetran lays it down. `salesforce-airbyte.sql` makes the same of Airbyte's.
-- Schema of the CRM's tables: salesforce.

CREATE SCHEMA IF NOT EXISTS expansion_source;

-- Accounts that have bought, since they first did: prospects are no customers, and no deal before that is an expansion.
CREATE OR REPLACE VIEW expansion_source.customers AS
SELECT
    account.id AS customer_id,
    account.name,
    CASE
        WHEN account.number_of_employees >= 1000 THEN 'Enterprise'
        WHEN account.number_of_employees >= 100 THEN 'Mid-Market'
        WHEN account.number_of_employees >= 1 THEN 'SMB'
    END AS segment,
    account.industry,
    account.billing_country AS region,
    account.owner_id AS csm_id,
    first_win.won_at AS created_at
FROM salesforce.account AS account
JOIN (
    SELECT account_id, MIN(CAST(close_date AS TIMESTAMP)) AS won_at
    FROM salesforce.opportunity
    WHERE is_won AND NOT is_deleted
    GROUP BY account_id
) AS first_win ON first_win.account_id = account.id
WHERE NOT account.is_deleted;

CREATE OR REPLACE VIEW expansion_source.products AS
SELECT
    id AS product_id,
    name,
    CASE
        WHEN LOWER(quantity_unit_of_measure) IN ('seat', 'seats', 'user', 'users', 'license', 'licenses') THEN 'seats'
    END AS kind,
    quantity_unit_of_measure AS unit
FROM salesforce.product_2
WHERE NOT is_deleted;

-- What was sold under an activated contract, line by line; a contract without a won opportunity is one row without product.
CREATE OR REPLACE VIEW expansion_source.contracts AS
SELECT
    COALESCE(line.id, contract.id) AS contract_id,
    contract.account_id AS customer_id,
    line.product_2_id AS product_id,
    line.quantity,
    line.total_price * 12 / NULLIF(contract.contract_term, 0) AS annual_value,
    contract.start_date,
    contract.end_date
FROM salesforce.contract AS contract
LEFT JOIN (
    SELECT item.id, opportunity.contract_id, item.product_2_id, item.quantity, item.total_price
    FROM salesforce.opportunity AS opportunity
    JOIN salesforce.opportunity_line_item AS item ON item.opportunity_id = opportunity.id
    WHERE opportunity.is_won AND NOT opportunity.is_deleted AND NOT item.is_deleted
) AS line ON line.contract_id = contract.id
WHERE contract.activated_date IS NOT NULL
    AND NOT contract.is_deleted
    AND contract.account_id IN (SELECT customer_id FROM expansion_source.customers);

-- Opportunities that were opened with customers and are neither renewals nor made smaller; of several products, the dearest.
CREATE OR REPLACE VIEW expansion_source.expansion_opportunities AS
SELECT
    opportunity.id AS opportunity_id,
    opportunity.account_id AS customer_id,
    line.product_2_id AS product_id,
    CASE WHEN opportunity.is_won THEN 'won' WHEN opportunity.is_closed THEN 'lost' ELSE 'open' END AS stage,
    opportunity.amount,
    -- Some are entered after they were closed.
    CASE
        WHEN opportunity.is_closed AND CAST(opportunity.created_date AS TIMESTAMP) > CAST(opportunity.close_date AS TIMESTAMP)
            THEN CAST(opportunity.close_date AS TIMESTAMP)
        ELSE CAST(opportunity.created_date AS TIMESTAMP)
    END AS created_at,
    -- The date that is expected, until it is closed.
    CASE WHEN opportunity.is_closed THEN CAST(opportunity.close_date AS TIMESTAMP) END AS closed_at
FROM salesforce.opportunity AS opportunity
JOIN expansion_source.customers AS customer ON customer.customer_id = opportunity.account_id
LEFT JOIN (
    SELECT
        opportunity_id,
        product_2_id,
        ROW_NUMBER() OVER (PARTITION BY opportunity_id ORDER BY total_price DESC, id) AS place
    FROM salesforce.opportunity_line_item
    WHERE NOT is_deleted
) AS line ON line.opportunity_id = opportunity.id AND line.place = 1
WHERE NOT opportunity.is_deleted
    AND CAST(opportunity.created_date AS TIMESTAMP) > customer.created_at
    AND CAST(opportunity.close_date AS TIMESTAMP) > customer.created_at
    AND LOWER(COALESCE(opportunity.type, '')) NOT LIKE 'new %'
    AND LOWER(COALESCE(opportunity.type, '')) NOT LIKE '%renew%'
    AND LOWER(COALESCE(opportunity.type, '')) NOT LIKE '%replacement%'
    AND LOWER(COALESCE(opportunity.type, '')) NOT LIKE '%downgrade%';

-- A contact as it was entered, and again whenever somebody gave it a role in an opportunity.
CREATE OR REPLACE VIEW expansion_source.stakeholders AS
SELECT
    contact.id AS stakeholder_id,
    contact.account_id AS customer_id,
    contact.name,
    contact.title,
    roles.role,
    COALESCE(roles.recorded_at, CAST(contact.created_date AS TIMESTAMP)) AS recorded_at
FROM salesforce.contact AS contact
JOIN (
    SELECT id AS contact_id, NULL AS role, CAST(NULL AS TIMESTAMP) AS recorded_at
    FROM salesforce.contact
    UNION ALL
    SELECT
        contact_id,
        CASE
            WHEN LOWER(role) LIKE '%champion%' THEN 'champion'
            WHEN LOWER(role) LIKE 'executive%' OR LOWER(role) LIKE 'economic%' OR LOWER(role) LIKE 'decision%' THEN 'executive'
            WHEN LOWER(role) LIKE '%user%' OR LOWER(role) LIKE 'evaluator%' THEN 'user'
        END,
        CAST(created_date AS TIMESTAMP)
    FROM salesforce.opportunity_contact_role
    WHERE NOT is_deleted
) AS roles ON roles.contact_id = contact.id
WHERE NOT contact.is_deleted
    AND contact.account_id IN (SELECT customer_id FROM expansion_source.customers);

-- Completed tasks and meetings.
CREATE OR REPLACE VIEW expansion_source.engagements AS
SELECT
    account_id AS customer_id,
    COALESCE(CAST(completed_date_time AS TIMESTAMP), CAST(activity_date AS TIMESTAMP)) AS occurred_at,
    LOWER(task_subtype) AS kind,
    who_id AS stakeholder_id
FROM salesforce.task
WHERE is_closed
    AND NOT is_deleted
    AND (completed_date_time IS NOT NULL OR activity_date IS NOT NULL)
    AND account_id IN (SELECT customer_id FROM expansion_source.customers)
UNION ALL
SELECT
    account_id,
    CAST(start_date_time AS TIMESTAMP),
    CASE
        WHEN LOWER(subject) LIKE '%qbr%' OR LOWER(subject) LIKE '%business review%' THEN 'qbr'
        ELSE 'meeting'
    END,
    who_id
FROM salesforce.event
WHERE NOT is_deleted
    AND NOT is_child
    AND start_date_time IS NOT NULL
    AND account_id IN (SELECT customer_id FROM expansion_source.customers);
