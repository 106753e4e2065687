#!/usr/bin/env bash
# Writes the views of schema expansion_source as a source: gzipped CSV, bucketed by customer, all of one snapshot.
#
#   engines/postgresql.sh FOLDER [BUCKETS]     FOLDER is made, BUCKETS is 8
#
# Connects as psql does: PGHOST, PGDATABASE, PGUSER, … or PGSERVICE.
set -euo pipefail

folder=$1 buckets=${2:-8}
export PGOPTIONS="${PGOPTIONS:-} -c timezone=UTC"
run_psql() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$@"; }

tables=$(run_psql --command "
  SELECT table_name FROM information_schema.views
  WHERE table_schema = 'expansion_source' AND table_name IN (
    'customers', 'products', 'contracts', 'usage_metrics', 'health_score_history', 'expansion_opportunities',
    'expansion_signals', 'stakeholders', 'engagements')")

# Old files in the folder would be read as well.
mkdir "$folder"
copy() { # query, file
  mkdir -p "$(dirname "$folder/$2")"
  echo "COPY ($1) TO STDOUT (FORMAT csv, HEADER) \\g |gzip > '$folder/$2.csv.gz'"
}
{
  echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
  for table in $tables; do
    if [ "$table" = products ]; then
      copy "SELECT * FROM expansion_source.products" products/products
      continue
    fi
    for ((bucket = 0; bucket < buckets; bucket++)); do
      of_bucket="abs(hashtext(customer_id::text)::bigint) % $buckets = $bucket"
      copy "SELECT * FROM expansion_source.$table WHERE $of_bucket" "$table/bucket=$bucket/$table"
    done
  done
  echo "COMMIT;"
} | run_psql
