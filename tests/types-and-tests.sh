#!/bin/sh
# The types beside the tests, each of which leaves a core idle now and then. Pytest has the last line, unless it is the
# types that are wrong. A worker more than cores: some tests wait for other processes.
set -u
cd "$(dirname "$0")/.." || exit 1
found=$(mktemp)
.venv/bin/mypy . >"$found" 2>&1 &
types=$!
trap 'kill "$types" 2>/dev/null; rm -f "$found"' EXIT
trap 'exit 130' INT TERM
# Compiling the tests is half of what a worker does before its first test: what it compiled is kept, whatever is set.
PYTHONDONTWRITEBYTECODE='' .venv/bin/pytest -q -n $(($(nproc) + 1)) --dist worksteal
tests=$?
if ! wait "$types"; then
	cat "$found"
	exit 1
fi
exit "$tests"
