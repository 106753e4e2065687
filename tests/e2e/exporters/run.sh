#!/usr/bin/env bash
# Writes the demo with the defaults of many exporters, has the program read it, and prints how its answers compare as a Markdown table.
# Not part of CI: it installs some 2 GB and runs for a quarter of an hour. Arguments go to compare.py.
#
#   EXPANSION_LOCAL=path/to/expansion-local   the program; without it, it is built
#
# Besides Python's packages it uses these of Debian; without one, its exporters are reported as not written:
#   default-jre-headless (PySpark), libreoffice-calc, mariadb-server, sqlite3
set -euo pipefail
cd "$(dirname "$0")/../../.."

if [ -z "${EXPANSION_LOCAL:-}" ]; then
  cargo build --quiet --locked --package expansion-local
  EXPANSION_LOCAL="${CARGO_TARGET_DIR:-target}/debug/expansion-local"
fi
install() { # virtual environment, requirements
  python3 -m venv "target/$1"
  "target/$1/bin/pip" install --quiet --disable-pip-version-check --requirement "tests/e2e/exporters/$2.txt"
}
install exporters requirements
# It pins what the others need newer.
install exporters-singer requirements-singer
export EXPANSION_LOCAL TARGET_JSONL="$PWD/target/exporters-singer/bin/target-jsonl"
exec target/exporters/bin/python -W ignore tests/e2e/exporters/compare.py "$@"
