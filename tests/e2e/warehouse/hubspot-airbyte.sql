-- The same records in Airbyte's layout: ids are texts, and a record has the ids of others as lists in JSON, some of them twice.
CREATE SCHEMA airbyte;

CREATE TABLE airbyte.companies (
    id TEXT, properties_name TEXT, properties_numberofemployees NUMERIC, properties_industry TEXT, properties_country TEXT,
    properties_hubspot_owner_id TEXT, archived BOOLEAN, _airbyte_extracted_at TIMESTAMPTZ
);
INSERT INTO airbyte.companies VALUES
    ('101', 'Acme "North", Inc', 250, 'COMPUTER_SOFTWARE', 'Germany', '9', FALSE, '2026-06-30T01:00:00Z'),
    ('102', 'Beta', 5, NULL, NULL, NULL, FALSE, '2026-06-30T01:00:00Z'),
    ('103', 'Prospect', 5000, 'RETAIL', 'France', '9', FALSE, '2026-06-30T01:00:00Z'),
    ('104', 'Merged away', 10, 'RETAIL', 'France', '9', TRUE, '2026-06-30T01:00:00Z');

CREATE TABLE airbyte.products (id TEXT, properties_name TEXT, archived BOOLEAN);
INSERT INTO airbyte.products VALUES ('501', 'Team seats', FALSE), ('502', 'Analytics', FALSE), ('503', 'Old', TRUE);

CREATE TABLE airbyte.deals (
    id TEXT, properties_pipeline TEXT, properties_dealstage TEXT, properties_dealtype TEXT,
    properties_amount_in_home_currency NUMERIC, properties_createdate TIMESTAMPTZ, properties_closedate TIMESTAMPTZ,
    properties_hs_is_closed BOOLEAN, properties_hs_is_closed_won BOOLEAN, properties_hs_primary_associated_company BIGINT,
    line_items JSONB, archived BOOLEAN
);
INSERT INTO airbyte.deals VALUES
    ('201', 'default', 'closedwon', 'newbusiness', 6000, '2024-11-01T09:00:00Z', '2025-01-15T10:00:00Z', TRUE, TRUE, 101, '["301"]', FALSE),
    ('202', '77', '7701', 'existingbusiness', 12000, '2025-06-02T09:30:00+02:00', '2025-07-01T10:00:00Z', TRUE, TRUE, 101, '["302", "303", "304", "303"]', FALSE),
    ('203', 'default', 'closedwon', 'Renewal', 6000, '2025-11-01T09:00:00Z', '2026-01-14T10:00:00Z', TRUE, TRUE, 101, NULL, FALSE),
    ('204', 'default', 'qualifiedtobuy', NULL, NULL, '2026-05-05T08:00:00Z', '2026-09-30T10:00:00Z', FALSE, FALSE, 101, NULL, FALSE),
    ('205', 'default', 'closedlost', 'existingbusiness', 900, '2025-10-10T10:00:00Z', '2025-10-01T10:00:00Z', TRUE, FALSE, 101, '["305"]', FALSE),
    ('206', 'default', 'closedwon', 'existingbusiness', 777, '2025-10-10T10:00:00Z', '2025-10-20T10:00:00Z', TRUE, TRUE, 101, NULL, TRUE),
    ('207', 'default', 'closedwon', NULL, 300, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', TRUE, TRUE, 102, NULL, FALSE),
    ('208', 'default', 'closedlost', 'newbusiness', 5000, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', TRUE, FALSE, 103, NULL, FALSE),
    ('209', 'default', 'closedwon', 'newbusiness', 5000, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', TRUE, TRUE, 104, NULL, FALSE),
    ('210', 'default', 'qualifiedtobuy', 'existingbusiness', 50, '2026-06-01T08:00:00Z', NULL, NULL, NULL, 102, NULL, FALSE);

CREATE TABLE airbyte.line_items (
    id TEXT, properties_hs_product_id BIGINT, properties_quantity NUMERIC, properties_amount NUMERIC, properties_hs_arr NUMERIC,
    properties_hs_recurring_billing_start_date DATE, properties_hs_recurring_billing_end_date DATE, archived BOOLEAN
);
INSERT INTO airbyte.line_items VALUES
    ('301', 501, 50, 3000, 6000, '2025-02-01', '2025-07-31', FALSE),
    ('302', 502, 1, 4000, NULL, NULL, NULL, FALSE),
    ('303', 501, 60, 8000, 8000, NULL, NULL, FALSE),
    ('304', 503, 1, 99999, 99999, NULL, NULL, TRUE),
    ('305', 501, 9, 900, 900, NULL, NULL, FALSE);

CREATE TABLE airbyte.contacts (
    id TEXT, properties_firstname TEXT, properties_lastname TEXT, properties_jobtitle TEXT, properties_hs_buying_role TEXT,
    properties_createdate TIMESTAMPTZ, properties_associatedcompanyid BIGINT, archived BOOLEAN
);
INSERT INTO airbyte.contacts VALUES
    ('401', 'Ana', 'Ruiz', 'VP Sales', 'BUDGET_HOLDER;INFLUENCER', '2025-01-02T08:00:00Z', 101, FALSE),
    ('402', 'Gone', NULL, NULL, NULL, '2025-01-02T08:00:00Z', 101, TRUE),
    ('403', 'Pat', NULL, NULL, 'CHAMPION', '2025-01-02T08:00:00Z', 103, FALSE);

CREATE TABLE airbyte.engagements_calls (
    id TEXT, properties_hs_timestamp TIMESTAMPTZ, companies JSONB, contacts JSONB, archived BOOLEAN
);
INSERT INTO airbyte.engagements_calls VALUES
    ('601', '2025-05-01T10:00:00Z', '["101", "101"]', '["401"]', FALSE),
    ('602', '2025-05-02T10:00:00Z', '["101"]', NULL, TRUE);

CREATE TABLE airbyte.engagements_meetings (
    id TEXT, properties_hs_timestamp TIMESTAMPTZ, companies JSONB, contacts JSONB, archived BOOLEAN
);
INSERT INTO airbyte.engagements_meetings VALUES
    ('603', '2025-06-10T14:00:00Z', '["101", "102"]', '["402", "401"]', FALSE),
    ('604', NULL, '["101"]', '[]', FALSE);

CREATE TABLE airbyte.engagements_emails (
    id TEXT, properties_hs_timestamp TIMESTAMPTZ, companies JSONB, contacts JSONB, archived BOOLEAN
);
INSERT INTO airbyte.engagements_emails VALUES ('605', '2025-05-03T10:00:00Z', '["103"]', NULL, FALSE);

CREATE TABLE airbyte.tickets (id TEXT, properties_createdate TIMESTAMPTZ, companies JSONB, archived BOOLEAN);
INSERT INTO airbyte.tickets VALUES
    ('701', '2025-05-04T10:00:00Z', '["102"]', FALSE), ('702', '2025-05-05T10:00:00Z', '["102"]', TRUE);
