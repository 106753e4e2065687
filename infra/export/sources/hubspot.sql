-- Six of the nine tables from HubSpot as Fivetran lays it down. `hubspot-airbyte.sql` makes the same of Airbyte's.
-- Schema of the CRM's tables: hubspot.

CREATE SCHEMA IF NOT EXISTS expansion_source;

-- Each deal with its primary company (association type 5) and what its stage means.
CREATE OR REPLACE VIEW expansion_source.hubspot_deals AS
SELECT
    deal.deal_id,
    deal_company.company_id,
    deal.property_dealtype AS deal_type,
    deal.property_amount_in_home_currency AS amount,
    stage.closed_won AS is_won,
    stage.is_closed,
    CAST(deal.property_createdate AS TIMESTAMP) AS created_at,
    CAST(deal.property_closedate AS TIMESTAMP) AS close_date
FROM hubspot.deal AS deal
JOIN hubspot.deal_company AS deal_company ON deal_company.deal_id = deal.deal_id AND deal_company.type_id = 5
JOIN hubspot.deal_pipeline_stage AS stage
    ON stage.pipeline_id = deal.deal_pipeline_id AND stage.stage_id = deal.deal_pipeline_stage_id
WHERE NOT deal.is_deleted;

-- Companies that have bought, since they first did: prospects are no customers, and no deal before that is an expansion.
CREATE OR REPLACE VIEW expansion_source.customers AS
SELECT
    company.id AS customer_id,
    company.property_name AS name,
    CASE
        WHEN company.property_numberofemployees >= 1000 THEN 'Enterprise'
        WHEN company.property_numberofemployees >= 100 THEN 'Mid-Market'
        WHEN company.property_numberofemployees >= 1 THEN 'SMB'
    END AS segment,
    company.property_industry AS industry,
    company.property_country AS region,
    company.property_hubspot_owner_id AS csm_id,
    first_win.won_at AS created_at
FROM hubspot.company AS company
JOIN (
    SELECT company_id, MIN(close_date) AS won_at
    FROM expansion_source.hubspot_deals
    WHERE is_won
    GROUP BY company_id
) AS first_win ON first_win.company_id = company.id
WHERE NOT company.is_deleted;

CREATE OR REPLACE VIEW expansion_source.products AS
SELECT id AS product_id, property_name AS name
FROM hubspot.product
WHERE NOT _fivetran_deleted;

-- The line items of won deals.
CREATE OR REPLACE VIEW expansion_source.contracts AS
SELECT
    item.id AS contract_id,
    deal.company_id AS customer_id,
    item.product_id,
    item.property_quantity AS quantity,
    item.property_hs_arr AS annual_value,
    COALESCE(CAST(item.property_hs_recurring_billing_start_date AS DATE), CAST(deal.close_date AS DATE)) AS start_date,
    CAST(item.property_hs_recurring_billing_end_date AS DATE) AS end_date
FROM hubspot.line_item AS item
JOIN hubspot.line_item_deal AS item_deal ON item_deal.line_item_id = item.id
JOIN expansion_source.hubspot_deals AS deal ON deal.deal_id = item_deal.deal_id
WHERE deal.is_won
    AND NOT item._fivetran_deleted
    AND deal.company_id IN (SELECT customer_id FROM expansion_source.customers);

-- Deals that were opened with customers and are no renewals; of several products, the dearest.
CREATE OR REPLACE VIEW expansion_source.expansion_opportunities AS
SELECT
    deal.deal_id AS opportunity_id,
    deal.company_id AS customer_id,
    item.product_id,
    CASE WHEN deal.is_won THEN 'won' WHEN deal.is_closed THEN 'lost' ELSE 'open' END AS stage,
    deal.amount,
    -- Some are entered after they were closed.
    CASE WHEN deal.is_closed AND deal.created_at > deal.close_date THEN deal.close_date ELSE deal.created_at END AS created_at,
    -- The date that is expected, until it is closed.
    CASE WHEN deal.is_closed THEN deal.close_date END AS closed_at
FROM expansion_source.hubspot_deals AS deal
JOIN expansion_source.customers AS customer ON customer.customer_id = deal.company_id
LEFT JOIN (
    SELECT
        item_deal.deal_id,
        line.product_id,
        ROW_NUMBER() OVER (PARTITION BY item_deal.deal_id ORDER BY line.property_amount DESC, line.id) AS place
    FROM hubspot.line_item AS line
    JOIN hubspot.line_item_deal AS item_deal ON item_deal.line_item_id = line.id
    WHERE NOT line._fivetran_deleted
) AS item ON item.deal_id = deal.deal_id AND item.place = 1
WHERE deal.created_at > customer.created_at
    AND (deal.close_date IS NULL OR deal.close_date > customer.created_at)
    AND LOWER(COALESCE(deal.deal_type, '')) NOT LIKE 'new%'
    AND LOWER(COALESCE(deal.deal_type, '')) NOT LIKE '%renew%';

-- Contacts of their primary company (association type 1).
CREATE OR REPLACE VIEW expansion_source.stakeholders AS
SELECT
    contact.id AS stakeholder_id,
    contact_company.company_id AS customer_id,
    TRIM(CONCAT(COALESCE(contact.property_firstname, ''), ' ', COALESCE(contact.property_lastname, ''))) AS name,
    contact.property_jobtitle AS title,
    CASE
        WHEN contact.property_hs_buying_role LIKE '%CHAMPION%' THEN 'champion'
        WHEN contact.property_hs_buying_role LIKE '%EXECUTIVE_SPONSOR%'
            OR contact.property_hs_buying_role LIKE '%BUDGET_HOLDER%'
            OR contact.property_hs_buying_role LIKE '%DECISION_MAKER%' THEN 'executive'
        WHEN contact.property_hs_buying_role LIKE '%END_USER%' THEN 'user'
    END AS role,
    CAST(contact.property_createdate AS TIMESTAMP) AS recorded_at
FROM hubspot.contact AS contact
JOIN hubspot.contact_company AS contact_company
    ON contact_company.contact_id = contact.id AND contact_company.type_id = 1
WHERE NOT contact._fivetran_deleted
    AND contact_company.company_id IN (SELECT customer_id FROM expansion_source.customers);

-- Calls, meetings, e-mails and tickets, for each company that takes part.
CREATE OR REPLACE VIEW expansion_source.engagements AS
SELECT
    engagement_company.company_id AS customer_id,
    CAST(engagement.occurred_at AS TIMESTAMP) AS occurred_at,
    engagement.kind,
    contact.contact_id AS stakeholder_id
FROM (
    SELECT engagement_id, property_hs_timestamp AS occurred_at, 'call' AS kind, _fivetran_deleted
    FROM hubspot.engagement_call
    UNION ALL
    SELECT engagement_id, property_hs_timestamp, 'meeting', _fivetran_deleted
    FROM hubspot.engagement_meeting
    UNION ALL
    SELECT engagement_id, property_hs_timestamp, 'email', _fivetran_deleted
    FROM hubspot.engagement_email
) AS engagement
JOIN hubspot.engagement_company AS engagement_company
    ON engagement_company.engagement_id = engagement.engagement_id
LEFT JOIN (
    SELECT engagement_id, MIN(contact_id) AS contact_id
    FROM hubspot.engagement_contact
    GROUP BY engagement_id
) AS contact ON contact.engagement_id = engagement.engagement_id
WHERE NOT engagement._fivetran_deleted
    AND engagement.occurred_at IS NOT NULL
    AND engagement_company.company_id IN (SELECT customer_id FROM expansion_source.customers)
UNION ALL
SELECT ticket_company.company_id, CAST(ticket.property_createdate AS TIMESTAMP), 'ticket', NULL
FROM hubspot.ticket AS ticket
JOIN hubspot.ticket_company AS ticket_company ON ticket_company.ticket_id = ticket.id
WHERE NOT ticket.is_deleted
    AND ticket_company.company_id IN (SELECT customer_id FROM expansion_source.customers);
