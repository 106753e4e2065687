#!/usr/bin/env bash
# Tries the dashboard in a headless Chromium on the demo portfolio. Arguments go to pytest.
#
# EXPANSION_LOCAL names the program of the local run (built in the dev profile otherwise); CHROMIUM the browser, which
# is installed by Debian's package where it is missing and this is root.
set -euo pipefail
cd "$(dirname "$0")/../../.."

CHROMIUM="${CHROMIUM:-$(command -v chromium || true)}"
if [ -z "$CHROMIUM" ]; then
    apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
    CHROMIUM="$(command -v chromium)"
fi
if [ -z "${EXPANSION_LOCAL:-}" ]; then
    cargo build --quiet --locked -p expansion-local
    EXPANSION_LOCAL="${CARGO_TARGET_DIR:-target}/debug/expansion-local"
fi
python3 -m venv target/browser
target/browser/bin/pip install --quiet --disable-pip-version-check -r tests/e2e/browser/requirements.txt
export CHROMIUM EXPANSION_LOCAL
exec target/browser/bin/python -m pytest -q -p no:cacheprovider tests/e2e/browser "$@"
