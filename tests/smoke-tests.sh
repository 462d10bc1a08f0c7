#!/usr/bin/env bash
# Smoke tests of a deployed Release Manager: it reads, and changes nothing.
set -uo pipefail

# shellcheck source=http-checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/http-checks.sh"

readonly OLDEST_TIMESTAMP_SECONDS=300
readonly METRICS=(
  release_manager_requests_total
  release_manager_request_duration_seconds
  release_manager_errors_total
  release_manager_db_connections_active
)

# timestamp_verdict TIMESTAMP: prints ok, or what is wrong with it.
timestamp_verdict() {
  python3 -IS -c '
import datetime, sys
text, limit = sys.argv[1], float(sys.argv[2])
try:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
except ValueError:
    sys.exit(print(repr(text)))
if moment.utcoffset() != datetime.timedelta(0):
    sys.exit(print(f"{text}, which is not UTC"))
age = (datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()
print("ok" if abs(age) <= limit else f"{text}, which is {age:.0f} s old")
' "$1" "$OLDEST_TIMESTAMP_SECONDS"
}

check_health() {
  request GET /health
  check_status 'GET /health answers' 200
  # An unhealthy answer has the same fields: which check is not ok is what one wants to read.
  [[ $STATUS == 200 || $STATUS == 503 ]] || return
  check_equal '/health status' healthy "$(value status)"
  local version
  version=$(value version)
  if [[ -n ${RELEASE_MANAGER_EXPECTED_VERSION:-} ]]; then
    check_equal '/health version' "$RELEASE_MANAGER_EXPECTED_VERSION" "$version"
  elif [[ -z $version || $version == '('* ]]; then
    failed '/health version' 'a version' "${version:-nothing}"
  else
    passed "/health version ($version)"
  fi
  local verdict
  verdict=$(timestamp_verdict "$(value timestamp)")
  if [[ $verdict == ok ]]; then
    passed '/health timestamp'
  else
    failed '/health timestamp' "ISO 8601, UTC, at most $OLDEST_TIMESTAMP_SECONDS s old" "$verdict"
  fi
  local dependency
  for dependency in database cache message_queue; do
    check_equal "/health check $dependency" ok "$(value "checks.$dependency")"
  done
}

check_metrics() {
  request GET /metrics
  check_status 'GET /metrics answers' 200 || return
  local name
  for name in "${METRICS[@]}"; do
    if grep --quiet --extended-regexp "^${name}(_bucket)?(\{[^}]*\})? [0-9]" <<<"$BODY"; then
      passed "/metrics has $name"
    else
      failed "/metrics has $name" 'a sample' 'none'
    fi
  done
}

check_list() {
  request GET '/releases?limit=1'
  check_status 'GET /releases answers' 200 || return
  local releases
  releases=$(value releases)
  if [[ $releases == '['* ]]; then
    passed 'GET /releases lists releases'
  else
    failed 'GET /releases lists releases' 'a list' "$releases"
  fi
}

parse_options 'Smoke tests of a deployed Release Manager: health, metrics and the list of releases. Changes nothing.' "$@"
check_health
check_metrics
check_list
finish 'smoke tests'
