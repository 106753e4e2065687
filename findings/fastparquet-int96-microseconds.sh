#!/usr/bin/env bash
# fastparquet writes pandas' default datetimes to INT96 as if they were nanoseconds: 2026 becomes January 1970.
#
# Versions:  fastparquet 2026.9.0, pandas 3.1.1, numpy 2.4.6, pyarrow 26.0.1 (Python 3.11)
# Source:    none found; related, of reading: https://github.com/dask/fastparquet/issues/936
# Behaviour: pandas 3 parses text into datetime64[us]. `fastparquet.write(..., times="int96")` takes the integers for
#            nanoseconds, so every time is divided by a thousand. The file itself is wrong: fastparquet and pyarrow read
#            the same wrong time from it. With datetime64[ns], the default of pandas 2, the same call is right, and so is
#            the default `times="int64"`. One would expect the unit to be converted. So times of late January 1970 in an
#            INT96 column are a sign of this, and not of customers from 1970.
# Output:
#   datetime64[us] as int64: 2026-03-01 12:34:56
#   datetime64[us] as int96: 1970-01-21 12:19:28.496000
#   datetime64[ns] as int96: 2026-03-01 12:34:56
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  fastparquet==2026.9.0 pandas==3.1.1 numpy==2.4.6 pyarrow==26.0.1
cat >"$folder/finding.py" <<'PYTHON'
import fastparquet
import pandas as pd
import pyarrow.parquet as pq

parsed = pd.DataFrame({"recorded_at": pd.to_datetime(["2026-03-01T12:34:56"])})
assert parsed["recorded_at"].dtype == "datetime64[us]"
nanoseconds = parsed.astype("datetime64[ns]")
for frame, times in ((parsed, "int64"), (parsed, "int96"), (nanoseconds, "int96")):
    fastparquet.write("usage.parquet", frame, times=times)
    by_itself = fastparquet.ParquetFile("usage.parquet").to_pandas()["recorded_at"][0]
    by_pyarrow = pd.Timestamp(pq.read_table("usage.parquet")["recorded_at"][0].as_py())
    assert by_itself == by_pyarrow
    print(f"{frame['recorded_at'].dtype} as {times}: {by_pyarrow}")
PYTHON
cd "$folder"
venv/bin/python finding.py | tee seen
diff - seen <<'EXPECTED'
datetime64[us] as int64: 2026-03-01 12:34:56
datetime64[us] as int96: 1970-01-21 12:19:28.496000
datetime64[ns] as int96: 2026-03-01 12:34:56
EXPECTED
