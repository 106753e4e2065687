#!/usr/bin/env bash
# Opens what can be taken away with DuckDB, pandas and Polars. Arguments go to pytest.
#
#   EXPANSION_LOCAL=path/to/expansion-local   the stack; without it, it is built
set -euo pipefail
cd "$(dirname "$0")/../../.."

if [ -z "${EXPANSION_LOCAL:-}" ]; then
  cargo build --quiet --locked --package expansion-local
  EXPANSION_LOCAL="${CARGO_TARGET_DIR:-target}/debug/expansion-local"
fi
python3 -m venv target/export
target/export/bin/pip install --quiet --disable-pip-version-check --requirement tests/e2e/export/requirements.txt
export EXPANSION_LOCAL
exec target/export/bin/python -m pytest -q -p no:cacheprovider tests/e2e/export "$@"
