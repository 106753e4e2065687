-- HubSpot as Airbyte lays it down, under the names that Fivetran gives it; then run `hubspot.sql`.
-- Schema of Airbyte's tables: airbyte. Run `hubspot-airbyte-lists.sql` first, which takes the lists of associated ids apart.
-- Ids are texts here; Athena needs CAST(… AS VARCHAR) in place of CONCAT('', …).

-- The primary company of a deal.
CREATE OR REPLACE VIEW hubspot.deal_company AS
SELECT id AS deal_id, CONCAT('', properties_hs_primary_associated_company) AS company_id, 5 AS type_id
FROM airbyte.deals;

CREATE OR REPLACE VIEW hubspot.deal AS
SELECT
    id AS deal_id,
    properties_pipeline AS deal_pipeline_id,
    properties_dealstage AS deal_pipeline_stage_id,
    properties_dealtype AS property_dealtype,
    properties_amount_in_home_currency AS property_amount_in_home_currency,
    properties_createdate AS property_createdate,
    properties_closedate AS property_closedate,
    archived AS is_deleted
FROM airbyte.deals;

-- The stages that deals are in: what they mean is written on each deal.
CREATE OR REPLACE VIEW hubspot.deal_pipeline_stage AS
SELECT DISTINCT
    properties_pipeline AS pipeline_id,
    properties_dealstage AS stage_id,
    COALESCE(properties_hs_is_closed_won, FALSE) AS closed_won,
    COALESCE(properties_hs_is_closed, FALSE) AS is_closed
FROM airbyte.deals;

CREATE OR REPLACE VIEW hubspot.company AS
SELECT
    id,
    properties_name AS property_name,
    properties_numberofemployees AS property_numberofemployees,
    properties_industry AS property_industry,
    properties_country AS property_country,
    properties_hubspot_owner_id AS property_hubspot_owner_id,
    archived AS is_deleted
FROM airbyte.companies;

CREATE OR REPLACE VIEW hubspot.product AS
SELECT id, properties_name AS property_name, archived AS _fivetran_deleted
FROM airbyte.products;

CREATE OR REPLACE VIEW hubspot.line_item AS
SELECT
    id,
    CONCAT('', properties_hs_product_id) AS product_id,
    properties_quantity AS property_quantity,
    properties_amount AS property_amount,
    properties_hs_arr AS property_hs_arr,
    properties_hs_recurring_billing_start_date AS property_hs_recurring_billing_start_date,
    properties_hs_recurring_billing_end_date AS property_hs_recurring_billing_end_date,
    archived AS _fivetran_deleted
FROM airbyte.line_items;

CREATE OR REPLACE VIEW hubspot.line_item_deal AS
SELECT other_id AS line_item_id, id AS deal_id
FROM hubspot.associations
WHERE kind = 'deal line item';

CREATE OR REPLACE VIEW hubspot.contact AS
SELECT
    id,
    properties_firstname AS property_firstname,
    properties_lastname AS property_lastname,
    properties_jobtitle AS property_jobtitle,
    properties_hs_buying_role AS property_hs_buying_role,
    properties_createdate AS property_createdate,
    archived AS _fivetran_deleted
FROM airbyte.contacts;

-- The primary company of a contact.
CREATE OR REPLACE VIEW hubspot.contact_company AS
SELECT id AS contact_id, CONCAT('', properties_associatedcompanyid) AS company_id, 1 AS type_id
FROM airbyte.contacts;

CREATE OR REPLACE VIEW hubspot.engagement_call AS
SELECT id AS engagement_id, properties_hs_timestamp AS property_hs_timestamp, archived AS _fivetran_deleted
FROM airbyte.engagements_calls;

CREATE OR REPLACE VIEW hubspot.engagement_meeting AS
SELECT id AS engagement_id, properties_hs_timestamp AS property_hs_timestamp, archived AS _fivetran_deleted
FROM airbyte.engagements_meetings;

CREATE OR REPLACE VIEW hubspot.engagement_email AS
SELECT id AS engagement_id, properties_hs_timestamp AS property_hs_timestamp, archived AS _fivetran_deleted
FROM airbyte.engagements_emails;

CREATE OR REPLACE VIEW hubspot.engagement_company AS
SELECT id AS engagement_id, other_id AS company_id
FROM hubspot.associations
WHERE kind = 'engagement company';

CREATE OR REPLACE VIEW hubspot.engagement_contact AS
SELECT id AS engagement_id, other_id AS contact_id
FROM hubspot.associations
WHERE kind = 'engagement contact';

CREATE OR REPLACE VIEW hubspot.ticket AS
SELECT id, properties_createdate AS property_createdate, archived AS is_deleted
FROM airbyte.tickets;

CREATE OR REPLACE VIEW hubspot.ticket_company AS
SELECT id AS ticket_id, other_id AS company_id
FROM hubspot.associations
WHERE kind = 'ticket company';
