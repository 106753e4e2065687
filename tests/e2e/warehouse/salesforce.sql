-- Salesforce in Fivetran's layout: what a small company's sales team may have in it, with what has to be left out.
CREATE SCHEMA salesforce;

CREATE TABLE salesforce.account (
    id TEXT, name TEXT, number_of_employees BIGINT, industry TEXT, billing_country TEXT, owner_id TEXT, is_deleted BOOLEAN,
    _fivetran_synced TIMESTAMPTZ
);
INSERT INTO salesforce.account VALUES
    ('001A', 'Acme "North", Inc', 250, 'Software', 'Germany', '005X', FALSE, '2026-06-30T01:00:00Z'),
    ('001B', 'Beta', 5, NULL, NULL, NULL, FALSE, '2026-06-30T01:00:00Z'),
    ('001P', 'Prospect', 5000, 'Retail', 'France', '005X', FALSE, '2026-06-30T01:00:00Z'),
    ('001D', 'Merged away', 10, 'Retail', 'France', '005X', TRUE, '2026-06-30T01:00:00Z');

CREATE TABLE salesforce.product_2 (id TEXT, name TEXT, quantity_unit_of_measure TEXT, is_deleted BOOLEAN);
INSERT INTO salesforce.product_2 VALUES
    ('01tS', 'Team seats', 'Seat', FALSE), ('01tA', 'Analytics', NULL, FALSE), ('01tD', 'Old', NULL, TRUE);

CREATE TABLE salesforce.opportunity (
    id TEXT, account_id TEXT, contract_id TEXT, type TEXT, amount DOUBLE PRECISION, is_closed BOOLEAN, is_won BOOLEAN,
    created_date TIMESTAMPTZ, close_date DATE, is_deleted BOOLEAN
);
INSERT INTO salesforce.opportunity VALUES
    ('006A1', '001A', '800A', 'New Customer', 6000, TRUE, TRUE, '2024-11-01T09:00:00Z', '2025-01-15', FALSE),
    ('006A2', '001A', NULL, 'Existing Customer - Upgrade', 12000, TRUE, TRUE, '2025-06-02T09:30:00+02:00', '2025-07-01', FALSE),
    ('006A3', '001A', NULL, 'Renewal', 6000, TRUE, TRUE, '2025-11-01T09:00:00Z', '2026-01-14', FALSE),
    ('006A4', '001A', NULL, NULL, NULL, FALSE, FALSE, '2026-05-05T08:00:00Z', '2026-09-30', FALSE),
    ('006A5', '001A', NULL, 'Existing Customer - Upgrade', 900, TRUE, FALSE, '2025-10-10T10:00:00Z', '2025-10-01', FALSE),
    ('006A6', '001A', NULL, 'Existing Customer - Upgrade', 777, TRUE, TRUE, '2025-10-10T10:00:00Z', '2025-10-20', TRUE),
    ('006B1', '001B', NULL, NULL, 300, TRUE, TRUE, '2025-02-01T09:00:00Z', '2025-03-03', FALSE),
    ('006B2', '001B', NULL, 'Existing Customer - Downgrade', 100, TRUE, TRUE, '2025-08-01T09:00:00Z', '2025-08-03', FALSE),
    ('006P1', '001P', NULL, 'New Customer', 5000, TRUE, FALSE, '2025-02-01T09:00:00Z', '2025-03-03', FALSE),
    ('006D1', '001D', NULL, 'New Customer', 5000, TRUE, TRUE, '2025-02-01T09:00:00Z', '2025-03-03', FALSE);

CREATE TABLE salesforce.opportunity_line_item (
    id TEXT, opportunity_id TEXT, product_2_id TEXT, quantity DOUBLE PRECISION, total_price DOUBLE PRECISION, is_deleted BOOLEAN
);
INSERT INTO salesforce.opportunity_line_item VALUES
    ('00kA11', '006A1', '01tS', 50, 6000, FALSE),
    ('00kA21', '006A2', '01tA', 1, 4000, FALSE),
    ('00kA22', '006A2', '01tS', 60, 8000, FALSE),
    ('00kA23', '006A2', '01tD', 1, 99999, TRUE);

CREATE TABLE salesforce.contract (
    id TEXT, account_id TEXT, contract_term BIGINT, start_date DATE, end_date DATE, activated_date TIMESTAMPTZ, is_deleted BOOLEAN
);
INSERT INTO salesforce.contract VALUES
    ('800A', '001A', 6, '2025-01-15', '2025-07-14', '2025-01-15T12:00:00Z', FALSE),
    ('800B', '001B', NULL, '2025-03-03', NULL, '2025-03-03T12:00:00Z', FALSE),
    ('800C', '001B', 12, '2025-03-03', NULL, NULL, FALSE),
    ('800D', '001B', 12, '2025-03-03', NULL, '2025-03-03T12:00:00Z', TRUE),
    ('800P', '001P', 12, '2025-03-03', NULL, '2025-03-03T12:00:00Z', FALSE);

CREATE TABLE salesforce.contact (id TEXT, account_id TEXT, name TEXT, title TEXT, created_date TIMESTAMPTZ, is_deleted BOOLEAN);
INSERT INTO salesforce.contact VALUES
    ('003A1', '001A', 'Ana Ruiz', 'VP Sales', '2025-01-02T08:00:00Z', FALSE),
    ('003A2', '001A', 'Gone', NULL, '2025-01-02T08:00:00Z', TRUE),
    ('003P1', '001P', 'Pat', NULL, '2025-01-02T08:00:00Z', FALSE);

CREATE TABLE salesforce.opportunity_contact_role (
    contact_id TEXT, opportunity_id TEXT, role TEXT, created_date TIMESTAMPTZ, is_deleted BOOLEAN
);
INSERT INTO salesforce.opportunity_contact_role VALUES
    ('003A1', '006A2', 'Economic Buyer', '2025-06-03T08:00:00Z', FALSE),
    ('003A1', '006A2', 'Influencer', '2025-06-04T08:00:00Z', TRUE);

CREATE TABLE salesforce.task (
    id TEXT, account_id TEXT, who_id TEXT, task_subtype TEXT, completed_date_time TIMESTAMPTZ, activity_date DATE,
    is_closed BOOLEAN, is_deleted BOOLEAN
);
INSERT INTO salesforce.task VALUES
    ('00T1', '001A', '003A1', 'Call', '2025-05-01T10:00:00Z', '2025-04-30', TRUE, FALSE),
    ('00T2', '001A', NULL, 'Email', NULL, '2025-05-03', TRUE, FALSE),
    ('00T3', '001A', NULL, 'Task', NULL, '2025-05-03', FALSE, FALSE),
    ('00T4', '001A', NULL, 'Call', NULL, '2025-05-03', TRUE, TRUE),
    ('00T5', '001P', NULL, 'Call', NULL, '2025-05-03', TRUE, FALSE),
    ('00T6', '001A', NULL, 'Call', NULL, NULL, TRUE, FALSE);

CREATE TABLE salesforce.event (
    id TEXT, account_id TEXT, who_id TEXT, subject TEXT, start_date_time TIMESTAMPTZ, is_child BOOLEAN, is_deleted BOOLEAN
);
INSERT INTO salesforce.event VALUES
    ('00U1', '001A', '003A1', 'Q2 Business Review', '2025-06-10T14:00:00Z', FALSE, FALSE),
    ('00U2', '001A', '003A2', 'Q2 Business Review', '2025-06-10T14:00:00Z', TRUE, FALSE),
    ('00U3', '001B', NULL, 'Kick-off', '2025-03-04T14:00:00Z', FALSE, FALSE);
