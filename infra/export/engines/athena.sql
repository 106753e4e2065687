-- NOT RUN by the tests, only parsed. Writes the views of schema expansion_source to S3: Parquet, bucketed by customer. The folders must
-- be empty. Leave out the statements of tables that you don't have.

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.customers
)
TO 's3://YOUR-BUCKET/source/customers/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (SELECT * FROM expansion_source.products)
TO 's3://YOUR-BUCKET/source/products/' WITH (format = 'PARQUET');

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.contracts
)
TO 's3://YOUR-BUCKET/source/contracts/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.usage_metrics
)
TO 's3://YOUR-BUCKET/source/usage_metrics/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.health_score_history
)
TO 's3://YOUR-BUCKET/source/health_score_history/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.expansion_opportunities
)
TO 's3://YOUR-BUCKET/source/expansion_opportunities/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.expansion_signals
)
TO 's3://YOUR-BUCKET/source/expansion_signals/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.stakeholders
)
TO 's3://YOUR-BUCKET/source/stakeholders/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);

UNLOAD (
    SELECT *, MOD(CRC32(TO_UTF8(CAST(customer_id AS VARCHAR))), 8) AS bucket FROM expansion_source.engagements
)
TO 's3://YOUR-BUCKET/source/engagements/' WITH (format = 'PARQUET', partitioned_by = ARRAY['bucket']);
