-- Six of the nine tables from an application's own database. `product.sql` has the other three.
-- Schema of the application's tables: app. Times come out in UTC: run it with UTC as the session's time zone.

CREATE SCHEMA IF NOT EXISTS expansion_source;

CREATE OR REPLACE VIEW expansion_source.customers AS
SELECT
    id AS customer_id,
    name,
    segment,
    industry,
    region,
    csm_id,
    CAST(created_at AS TIMESTAMP) AS created_at,
    CAST(churned_at AS TIMESTAMP) AS churned_at
FROM app.customers;

CREATE OR REPLACE VIEW expansion_source.products AS
SELECT id AS product_id, name, kind, unit, list_price
FROM app.products;

CREATE OR REPLACE VIEW expansion_source.contracts AS
SELECT id AS contract_id, customer_id, product_id, quantity, annual_value, start_date, end_date
FROM app.contracts;

CREATE OR REPLACE VIEW expansion_source.expansion_opportunities AS
SELECT
    id AS opportunity_id,
    customer_id,
    product_id,
    stage,
    amount,
    CAST(created_at AS TIMESTAMP) AS created_at,
    CAST(closed_at AS TIMESTAMP) AS closed_at
FROM app.expansion_opportunities;

CREATE OR REPLACE VIEW expansion_source.stakeholders AS
SELECT id AS stakeholder_id, customer_id, name, title, role, CAST(recorded_at AS TIMESTAMP) AS recorded_at
FROM app.stakeholders;

CREATE OR REPLACE VIEW expansion_source.engagements AS
SELECT customer_id, CAST(occurred_at AS TIMESTAMP) AS occurred_at, kind, with_executive, stakeholder_id
FROM app.engagements;
