-- HubSpot in Fivetran's layout: what a small company's sales team may have in it, with what has to be left out.
CREATE SCHEMA hubspot;

CREATE TABLE hubspot.company (
    id BIGINT, property_name TEXT, property_numberofemployees DOUBLE PRECISION, property_industry TEXT, property_country TEXT,
    property_hubspot_owner_id BIGINT, is_deleted BOOLEAN
);
INSERT INTO hubspot.company VALUES
    (101, 'Acme "North", Inc', 250, 'COMPUTER_SOFTWARE', 'Germany', 9, FALSE),
    (102, 'Beta', 5, NULL, NULL, NULL, FALSE),
    (103, 'Prospect', 5000, 'RETAIL', 'France', 9, FALSE),
    (104, 'Merged away', 10, 'RETAIL', 'France', 9, TRUE);

CREATE TABLE hubspot.product (id BIGINT, property_name TEXT, _fivetran_deleted BOOLEAN);
INSERT INTO hubspot.product VALUES (501, 'Team seats', FALSE), (502, 'Analytics', FALSE), (503, 'Old', TRUE);

CREATE TABLE hubspot.deal_pipeline_stage (
    pipeline_id TEXT, stage_id TEXT, label TEXT, closed_won BOOLEAN, is_closed BOOLEAN, _fivetran_deleted BOOLEAN
);
INSERT INTO hubspot.deal_pipeline_stage VALUES
    ('default', 'qualifiedtobuy', 'Qualified To Buy', FALSE, FALSE, FALSE),
    ('default', 'closedwon', 'Gewonnen', TRUE, TRUE, FALSE),
    ('default', 'closedlost', 'Verloren', FALSE, TRUE, FALSE),
    ('77', '7701', 'Closed won', TRUE, TRUE, FALSE);

CREATE TABLE hubspot.deal (
    deal_id BIGINT, deal_pipeline_id TEXT, deal_pipeline_stage_id TEXT, property_dealtype TEXT,
    property_amount_in_home_currency DOUBLE PRECISION, property_createdate TIMESTAMPTZ, property_closedate TIMESTAMPTZ,
    is_deleted BOOLEAN
);
INSERT INTO hubspot.deal VALUES
    (201, 'default', 'closedwon', 'newbusiness', 6000, '2024-11-01T09:00:00Z', '2025-01-15T10:00:00Z', FALSE),
    (202, '77', '7701', 'existingbusiness', 12000, '2025-06-02T09:30:00+02:00', '2025-07-01T10:00:00Z', FALSE),
    (203, 'default', 'closedwon', 'Renewal', 6000, '2025-11-01T09:00:00Z', '2026-01-14T10:00:00Z', FALSE),
    (204, 'default', 'qualifiedtobuy', NULL, NULL, '2026-05-05T08:00:00Z', '2026-09-30T10:00:00Z', FALSE),
    (205, 'default', 'closedlost', 'existingbusiness', 900, '2025-10-10T10:00:00Z', '2025-10-01T10:00:00Z', FALSE),
    (206, 'default', 'closedwon', 'existingbusiness', 777, '2025-10-10T10:00:00Z', '2025-10-20T10:00:00Z', TRUE),
    (207, 'default', 'closedwon', NULL, 300, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', FALSE),
    (208, 'default', 'closedlost', 'newbusiness', 5000, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', FALSE),
    (209, 'default', 'closedwon', 'newbusiness', 5000, '2025-02-01T09:00:00Z', '2025-03-03T10:00:00Z', FALSE),
    (210, 'default', 'qualifiedtobuy', 'existingbusiness', 50, '2026-06-01T08:00:00Z', NULL, FALSE);

CREATE TABLE hubspot.deal_company (deal_id BIGINT, company_id BIGINT, type_id BIGINT, category TEXT);
INSERT INTO hubspot.deal_company VALUES
    (201, 101, 5, 'HUBSPOT_DEFINED'), (201, 101, 341, 'HUBSPOT_DEFINED'),
    (202, 101, 5, 'HUBSPOT_DEFINED'), (202, 102, 341, 'HUBSPOT_DEFINED'),
    (203, 101, 5, 'HUBSPOT_DEFINED'), (204, 101, 5, 'HUBSPOT_DEFINED'), (205, 101, 5, 'HUBSPOT_DEFINED'),
    (206, 101, 5, 'HUBSPOT_DEFINED'), (207, 102, 5, 'HUBSPOT_DEFINED'), (208, 103, 5, 'HUBSPOT_DEFINED'),
    (209, 104, 5, 'HUBSPOT_DEFINED'), (210, 102, 5, 'HUBSPOT_DEFINED');

CREATE TABLE hubspot.line_item (
    id BIGINT, product_id BIGINT, property_quantity DOUBLE PRECISION, property_amount DOUBLE PRECISION,
    property_hs_arr DOUBLE PRECISION, property_hs_recurring_billing_start_date DATE,
    property_hs_recurring_billing_end_date DATE, _fivetran_deleted BOOLEAN
);
INSERT INTO hubspot.line_item VALUES
    (301, 501, 50, 3000, 6000, '2025-02-01', '2025-07-31', FALSE),
    (302, 502, 1, 4000, NULL, NULL, NULL, FALSE),
    (303, 501, 60, 8000, 8000, NULL, NULL, FALSE),
    (304, 503, 1, 99999, 99999, NULL, NULL, TRUE),
    (305, 501, 9, 900, 900, NULL, NULL, FALSE);

CREATE TABLE hubspot.line_item_deal (line_item_id BIGINT, deal_id BIGINT);
INSERT INTO hubspot.line_item_deal VALUES (301, 201), (302, 202), (303, 202), (304, 202), (305, 205);

CREATE TABLE hubspot.contact (
    id BIGINT, property_firstname TEXT, property_lastname TEXT, property_jobtitle TEXT, property_hs_buying_role TEXT,
    property_createdate TIMESTAMPTZ, _fivetran_deleted BOOLEAN
);
INSERT INTO hubspot.contact VALUES
    (401, 'Ana', 'Ruiz', 'VP Sales', 'BUDGET_HOLDER;INFLUENCER', '2025-01-02T08:00:00Z', FALSE),
    (402, 'Gone', NULL, NULL, NULL, '2025-01-02T08:00:00Z', TRUE),
    (403, 'Pat', NULL, NULL, 'CHAMPION', '2025-01-02T08:00:00Z', FALSE);

CREATE TABLE hubspot.contact_company (contact_id BIGINT, company_id BIGINT, type_id BIGINT);
INSERT INTO hubspot.contact_company VALUES (401, 101, 1), (401, 101, 279), (402, 101, 1), (403, 103, 1);

CREATE TABLE hubspot.engagement_call (engagement_id BIGINT, property_hs_timestamp TIMESTAMPTZ, _fivetran_deleted BOOLEAN);
INSERT INTO hubspot.engagement_call VALUES (601, '2025-05-01T10:00:00Z', FALSE), (602, '2025-05-02T10:00:00Z', TRUE);

CREATE TABLE hubspot.engagement_meeting (engagement_id BIGINT, property_hs_timestamp TIMESTAMPTZ, _fivetran_deleted BOOLEAN);
INSERT INTO hubspot.engagement_meeting VALUES (603, '2025-06-10T14:00:00Z', FALSE), (604, NULL, FALSE);

CREATE TABLE hubspot.engagement_email (engagement_id BIGINT, property_hs_timestamp TIMESTAMPTZ, _fivetran_deleted BOOLEAN);
INSERT INTO hubspot.engagement_email VALUES (605, '2025-05-03T10:00:00Z', FALSE);

CREATE TABLE hubspot.engagement_company (engagement_id BIGINT, company_id BIGINT, type_id BIGINT);
INSERT INTO hubspot.engagement_company VALUES
    (601, 101, 182), (602, 101, 182), (603, 101, 188), (603, 102, 188), (604, 101, 188), (605, 103, 186);

CREATE TABLE hubspot.engagement_contact (engagement_id BIGINT, contact_id BIGINT, type_id BIGINT);
INSERT INTO hubspot.engagement_contact VALUES (601, 401, 194), (603, 402, 200), (603, 401, 200);

CREATE TABLE hubspot.ticket (id BIGINT, property_createdate TIMESTAMPTZ, is_deleted BOOLEAN);
INSERT INTO hubspot.ticket VALUES (701, '2025-05-04T10:00:00Z', FALSE), (702, '2025-05-05T10:00:00Z', TRUE);

CREATE TABLE hubspot.ticket_company (ticket_id BIGINT, company_id BIGINT, type_id BIGINT);
INSERT INTO hubspot.ticket_company VALUES (701, 102, 26), (702, 102, 26);
