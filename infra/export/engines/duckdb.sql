-- Writes the views of schema expansion_source to the folder `source`, which must exist (and may hold an older export): Parquet,
-- bucketed by customer. Leave out the statements of tables that you don't have.

SET TimeZone = 'UTC';

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.customers ORDER BY customer_id)
TO 'source/customers' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT * FROM expansion_source.products) TO 'source/products' (FORMAT parquet, PER_THREAD_OUTPUT, OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.contracts ORDER BY customer_id)
TO 'source/contracts' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.usage_metrics ORDER BY customer_id, metric, recorded_at)
TO 'source/usage_metrics' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.health_score_history ORDER BY customer_id, recorded_at)
TO 'source/health_score_history' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.expansion_opportunities ORDER BY customer_id)
TO 'source/expansion_opportunities' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.expansion_signals ORDER BY customer_id)
TO 'source/expansion_signals' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.stakeholders ORDER BY customer_id)
TO 'source/stakeholders' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);

COPY (SELECT *, hash(customer_id) % 8 AS bucket FROM expansion_source.engagements ORDER BY customer_id, occurred_at)
TO 'source/engagements' (FORMAT parquet, PARTITION_BY (bucket), OVERWRITE);
