-- NOT RUN by the tests, only parsed. Writes the views of schema expansion_source to S3: Parquet, bucketed by customer. The folders must
-- be empty; dropping the tables leaves the files. Leave out the statements of tables that you don't have.

SET spark.sql.session.timeZone = UTC;
CREATE SCHEMA IF NOT EXISTS expansion_files;

CREATE TABLE expansion_files.customers USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/customers' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.customers;
DROP TABLE expansion_files.customers;

CREATE TABLE expansion_files.products USING parquet LOCATION 's3a://YOUR-BUCKET/source/products' AS
SELECT * FROM expansion_source.products;
DROP TABLE expansion_files.products;

CREATE TABLE expansion_files.contracts USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/contracts' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.contracts;
DROP TABLE expansion_files.contracts;

CREATE TABLE expansion_files.usage_metrics USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/usage_metrics' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.usage_metrics;
DROP TABLE expansion_files.usage_metrics;

CREATE TABLE expansion_files.health_score_history USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/health_score_history' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.health_score_history;
DROP TABLE expansion_files.health_score_history;

CREATE TABLE expansion_files.expansion_opportunities USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/expansion_opportunities' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.expansion_opportunities;
DROP TABLE expansion_files.expansion_opportunities;

CREATE TABLE expansion_files.expansion_signals USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/expansion_signals' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.expansion_signals;
DROP TABLE expansion_files.expansion_signals;

CREATE TABLE expansion_files.stakeholders USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/stakeholders' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.stakeholders;
DROP TABLE expansion_files.stakeholders;

CREATE TABLE expansion_files.engagements USING parquet PARTITIONED BY (bucket) LOCATION 's3a://YOUR-BUCKET/source/engagements' AS
SELECT *, PMOD(HASH(customer_id), 8) AS bucket FROM expansion_source.engagements;
DROP TABLE expansion_files.engagements;
