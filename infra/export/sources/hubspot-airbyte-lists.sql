-- Airbyte keeps what a record of HubSpot is associated with as a list of ids in JSON. Run the first two statements, then the one
-- of your engine, then `hubspot-airbyte.sql`.

CREATE SCHEMA IF NOT EXISTS hubspot;

CREATE OR REPLACE VIEW hubspot.association_lists AS
SELECT 'deal line item' AS kind, id, line_items AS ids FROM airbyte.deals
UNION ALL
SELECT 'ticket company', id, companies FROM airbyte.tickets
UNION ALL
SELECT 'engagement company', id, companies FROM airbyte.engagements_calls
UNION ALL
SELECT 'engagement company', id, companies FROM airbyte.engagements_meetings
UNION ALL
SELECT 'engagement company', id, companies FROM airbyte.engagements_emails
UNION ALL
SELECT 'engagement contact', id, contacts FROM airbyte.engagements_calls
UNION ALL
SELECT 'engagement contact', id, contacts FROM airbyte.engagements_meetings
UNION ALL
SELECT 'engagement contact', id, contacts FROM airbyte.engagements_emails;

-- PostgreSQL
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, jsonb_array_elements_text(ids) AS other_id FROM hubspot.association_lists;

-- DuckDB
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, unnest(ids ->> '$[*]') AS other_id FROM hubspot.association_lists;

-- Athena (not run)
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, other_id FROM hubspot.association_lists
CROSS JOIN UNNEST(CAST(json_parse(ids) AS ARRAY(VARCHAR))) AS list (other_id);

-- Snowflake (not run)
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, CAST(list.value AS VARCHAR) AS other_id FROM hubspot.association_lists,
LATERAL FLATTEN(input => ids) AS list;

-- BigQuery (not run)
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, other_id FROM hubspot.association_lists
CROSS JOIN UNNEST(JSON_VALUE_ARRAY(ids)) AS other_id;

-- Spark (not run)
CREATE OR REPLACE VIEW hubspot.associations AS
SELECT DISTINCT kind, id, explode(from_json(ids, 'array<string>')) AS other_id FROM hubspot.association_lists;
