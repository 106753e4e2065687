-- NOT RUN by the tests, only parsed. Writes the views of schema expansion_source to Cloud Storage: Parquet, in one bucket of customers, as
-- EXPORT DATA can't partition. Copy it to S3 afterwards. Leave out the statements of tables that you don't have.

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/customers/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.customers;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/products/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.products;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/contracts/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.contracts;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/usage_metrics/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.usage_metrics;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/health_score_history/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.health_score_history;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/expansion_opportunities/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.expansion_opportunities;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/expansion_signals/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.expansion_signals;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/stakeholders/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.stakeholders;

EXPORT DATA OPTIONS (uri = 'gs://YOUR-BUCKET/source/engagements/*.parquet', format = 'PARQUET', overwrite = TRUE) AS
SELECT * FROM expansion_source.engagements;
