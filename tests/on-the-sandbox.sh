#!/usr/bin/env bash
# Runs the tests on the sandbox, with `all` also the thorough ones: what uses different stacks beside each other;
# production, which measures under load and so has the machine to itself; then what stops the sandbox.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
wanted='e2e and not alone and not thorough'
[ "${1:-}" != all ] || wanted='e2e and not alone'
outputs=$(mktemp -d)
trap 'rm -rf "$outputs"' EXIT
declare -A running

start() {
	local name=$1
	shift
	.venv/bin/pytest -m "$wanted" --durations=5 "$@" >"$outputs/$name" 2>&1 &
	running[$name]=$!
}

echo "on the sandbox: plug-ins, dev and staging beside each other, then production, then what stops it"
# Those of no stack use namespaces of their own, or none: they go where there is time left.
start plugins tests/plugins tests/app tests/monitoring_rules tests/e2e/test_adoption.py tests/e2e/test_gateway.py
start dev tests/e2e --ignore-glob='*/test_staging_*' --ignore-glob='*/test_prod_*' \
	--ignore=tests/e2e/test_adoption.py --ignore=tests/e2e/test_gateway.py
start staging tests/e2e/test_staging_*.py
failed=0
for name in staging dev plugins; do
	wait "${running[$name]}" || failed=1
	cat "$outputs/$name"
	# What production needs besides takes minutes to build and one to start: while the other lanes end.
	[ "$name" != staging ] || .venv/bin/python -m sandbox prepare --stack prod || failed=1
done
[ "$failed" = 0 ] || exit 1
if [ "${1:-}" = all ]; then
	# Each file begins with a production of its own: what one has done to it is not the next one's to undo.
	for file in tests/e2e/test_prod_*.py; do
		.venv/bin/pytest -m "$wanted" --durations=5 "$file" || exit 1
	done
else
	.venv/bin/pytest -m "$wanted" --durations=5 tests/e2e/test_prod_*.py || exit 1
fi
.venv/bin/pytest -m "e2e and alone" tests/e2e
