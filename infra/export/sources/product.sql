-- The three tables that only the product itself can fill: usage, health and signals.
-- Schema: app. With a CRM as the source of the other tables, `customer_id` has to be the CRM's id of the customer: join the
-- table here that says which is which.

CREATE SCHEMA IF NOT EXISTS expansion_source;

CREATE OR REPLACE VIEW expansion_source.usage_metrics AS
SELECT customer_id, CAST(recorded_at AS TIMESTAMP) AS recorded_at, metric, value
FROM app.usage_metrics;

CREATE OR REPLACE VIEW expansion_source.health_score_history AS
SELECT customer_id, CAST(recorded_at AS TIMESTAMP) AS recorded_at, score
FROM app.health_score_history;

CREATE OR REPLACE VIEW expansion_source.expansion_signals AS
SELECT customer_id, CAST(detected_at AS TIMESTAMP) AS detected_at, kind, summary
FROM app.expansion_signals;
