#!/usr/bin/env bash
# pyarrow reads an open end date, 9999-12-31, as a day in 1816 when the Parquet column is INT96, without an error.
#
# Versions:  pyarrow 26.0.1, duckdb 2.0.1 (Python 3.11)
# Source:    pyarrow's documentation of `coerce_int96_timestamp_unit`: INT96 is read as nanoseconds by default
# Behaviour: 9999-12-31 is how many systems write "no end". INT96 (a Julian day and nanoseconds of that day; Spark's
#            default for years) can hold it, but pyarrow converts to 64-bit nanoseconds, which end in 2262, and the result
#            wraps. One would expect an error, as pyarrow's casts give one, or a coarser unit. DuckDB reads the same file
#            correctly, and so does pyarrow once the unit is given. So whoever reads INT96 through Arrow's default must
#            ask for microseconds, or an open contract becomes one that ended two centuries ago.
# Output:
#   written:             9999-12-31 00:00:00
#   pyarrow:             1816-03-29 05:56:08.066277376
#   pyarrow, unit 'us':  9999-12-31 00:00:00
#   duckdb:              9999-12-31 00:00:00
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1 duckdb==2.0.1
cat >"$folder/finding.py" <<'PYTHON'
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

end = datetime(9999, 12, 31)
table = pa.table({"end_date": pa.array([end], pa.timestamp("us"))})
pq.write_table(table, "contracts.parquet", use_deprecated_int96_timestamps=True)
assert pq.ParquetFile("contracts.parquet").schema.column(0).physical_type == "INT96"


def read(**options):
    return pc.cast(pq.read_table("contracts.parquet", **options)["end_date"], pa.string())[0].as_py()


print("written:            ", end)
print("pyarrow:            ", read())
print("pyarrow, unit 'us': ", read(coerce_int96_timestamp_unit="us").removesuffix(".000000"))
print("duckdb:             ", duckdb.sql("SELECT end_date FROM 'contracts.parquet'").fetchall()[0][0])
PYTHON
cd "$folder"
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
written:             9999-12-31 00:00:00
pyarrow:             1816-03-29 05:56:08.066277376
pyarrow, unit 'us':  9999-12-31 00:00:00
duckdb:              9999-12-31 00:00:00
EXPECTED
