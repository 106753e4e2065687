#!/usr/bin/env bash
# Runs infra/export in PostgreSQL and DuckDB on tables with known rows, and has the program read what comes out. Parses what is for
# other engines. Arguments go to pytest.
#
#   EXPANSION_LOCAL=path/to/expansion-local   the program; without it, it is built
set -euo pipefail
cd "$(dirname "$0")/../../.."

if [ -z "${EXPANSION_LOCAL:-}" ]; then
  cargo build --quiet --locked --package expansion-local
  EXPANSION_LOCAL="${CARGO_TARGET_DIR:-target}/debug/expansion-local"
fi
python3 -m venv target/warehouse
target/warehouse/bin/pip install --quiet --disable-pip-version-check --requirement tests/e2e/warehouse/requirements.txt
export EXPANSION_LOCAL
exec target/warehouse/bin/python -m pytest -q -p no:cacheprovider tests/e2e/warehouse "$@"
