#!/usr/bin/env bash
# Runs the tests on the sandbox: what uses different stacks beside each other, then what needs the sandbox alone.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT
declare -A running

start() {
	local name=$1
	shift
	.venv/bin/pytest -m "e2e and not alone" --durations=5 "$@" >"$outputs/$name" 2>&1 &
	running[$name]=$!
}

echo "on the sandbox: plug-ins, dev and staging beside each other, then what needs it alone"
start plugins tests/plugins
start dev tests/e2e --ignore-glob='*/test_staging_*'
start staging tests/e2e/test_staging_*.py
failed=0
for name in plugins dev staging; do
	wait "${running[$name]}" || failed=1
	cat "$outputs/$name"
done
[ "$failed" = 0 ] || exit 1
.venv/bin/pytest -m "e2e and alone" tests/e2e
