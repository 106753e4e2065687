#!/usr/bin/env bash
# Holds the running API against its contract: schemathesis sends what shared/http/openapi.json allows, and what it doesn't,
# to the local stack, and checks every answer.
#
#   EXPANSION_LOCAL=path/to/expansion-local   the stack; without it, it is built
set -euo pipefail
cd "$(dirname "$0")/../../.."

contract=tests/e2e/contract
work=target/contract
mkdir -p "$work"

if [ -z "${EXPANSION_LOCAL:-}" ]; then
  cargo build --package expansion-local --locked
  EXPANSION_LOCAL="${CARGO_TARGET_DIR:-target}/debug/expansion-local"
fi
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$contract/requirements.txt"

# A portfolio that is small but large enough to learn from, so that every kind of answer has something in it.
"$EXPANSION_LOCAL" demo --out "$work/source" --customers 400
port=$("$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$EXPANSION_LOCAL" --source "$work/source" --as-of 2026-06-30 --port "$port" >"$work/stack.log" 2>&1 &
stack=$!
trap 'kill "$stack" 2>/dev/null || true; wait "$stack" 2>/dev/null || true' EXIT

api="http://127.0.0.1:$port"
list="$api/api/analytics/expansion-propensity"
# The list answers 404 until the first refresh is complete.
for _ in $(seq 240); do
  curl --silent --fail --output "$work/list.json" "$list?limit=20" && break
  kill -0 "$stack" 2>/dev/null || { cat "$work/stack.log"; exit 1; }
  sleep 0.5
done
curl --silent --fail --output "$work/models.json" "$list/models"
names() { "$work/venv/bin/python" -c "import json, sys; print(*(json.dumps(row['$2']) for row in json.load(open(sys.argv[1]))['data']), sep='\n')" "$1"; }
names "$work/list.json" customer_id >"$work/customers.txt"
names "$work/models.json" model_id >"$work/models.txt"
csm=$(names "$work/list.json" csm_id | sed -n 1p | tr -d '"')

# As a manager, then, more briefly, as a CSM, who may do less and sees others' customers as nobody's.
export PYTHONPATH="$contract"
hold() {
  timeout --kill-after=10 300 "$work/venv/bin/schemathesis" --config-file "$contract/schemathesis.toml" \
    run shared/http/openapi.json --url "$api" "$@"
}
failed=0
hold "$@" || failed=1
CONTRACT_CSM="$csm" hold --max-examples 15 --warnings off --header "Authorization: Bearer csm:$csm" "$@" || failed=1
exit "$failed"
