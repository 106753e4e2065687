#!/usr/bin/env bash
# DuckDB writes a Parquet column as REQUIRED when the data happens to hold no null, whatever the table allows.
#
# Versions:  duckdb 2.0.1, pyarrow 26.0.1 (Python 3.11)
# Source:    https://github.com/duckdb/duckdb/issues/22144 asks for NOT NULL to be kept; the review of the change for it,
#            https://github.com/duckdb/duckdb/pull/22183, would rather go by the statistics of the data
# Behaviour: The same table, with the same nullable columns, is exported on two days. On the first no deal lacks a close
#            date, on the second one does. One would expect both files to have the table's schema. They differ, and pyarrow
#            refuses to concatenate them or to append the second to the first. So a reader must take each file's
#            nullability as a statement about that file only, and never take it as the contract of a table.
# Output:
#   monday:  id: int32 not null, closed_at: date32[day] not null
#   tuesday: id: int32 not null, closed_at: date32[day]
#   concat_tables: ArrowInvalid: Schema at index 1 was different
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
cat >"$folder/finding.py" <<'PYTHON'
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

deals = duckdb.connect()
deals.sql("CREATE TABLE deals (id INTEGER, closed_at DATE)")
deals.sql("INSERT INTO deals VALUES (1, DATE '2026-06-01')")
deals.sql("COPY deals TO 'monday.parquet'")
deals.sql("INSERT INTO deals VALUES (2, NULL)")
deals.sql("COPY deals TO 'tuesday.parquet'")
for day in ("monday", "tuesday"):
    print(f"{day + ':':8}", ", ".join(str(field).removeprefix("pyarrow.Field<").removesuffix(">")
                                      for field in pq.read_schema(f"{day}.parquet")))
try:
    pa.concat_tables([pq.read_table("monday.parquet"), pq.read_table("tuesday.parquet")])
    print("concat_tables: no error")
except pa.ArrowInvalid as error:
    print(f"concat_tables: {type(error).__name__}: {str(error).split(':')[0]}")
PYTHON
cd "$folder"
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
monday:  id: int32 not null, closed_at: date32[day] not null
tuesday: id: int32 not null, closed_at: date32[day]
concat_tables: ArrowInvalid: Schema at index 1 was different
EXPECTED
