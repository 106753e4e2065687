-- NOT RUN by the tests, only parsed. Writes the views of schema expansion_source to the external stage `expansion` on S3: Parquet, bucketed
-- by customer. The folders must be empty. Leave out the statements of tables that you don't have.

COPY INTO @expansion/source/customers/ FROM (SELECT * FROM expansion_source.customers)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/products/ FROM (SELECT * FROM expansion_source.products)
FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/contracts/ FROM (SELECT * FROM expansion_source.contracts)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/usage_metrics/ FROM (SELECT * FROM expansion_source.usage_metrics)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/health_score_history/ FROM (SELECT * FROM expansion_source.health_score_history)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/expansion_opportunities/ FROM (SELECT * FROM expansion_source.expansion_opportunities)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/expansion_signals/ FROM (SELECT * FROM expansion_source.expansion_signals)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/stakeholders/ FROM (SELECT * FROM expansion_source.stakeholders)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;

COPY INTO @expansion/source/engagements/ FROM (SELECT * FROM expansion_source.engagements)
PARTITION BY ('bucket=' || MOD(ABS(HASH(customer_id)), 8)) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE;
