# shellcheck shell=bash
# Sourced by smoke-tests.sh and integration-tests.sh: their options, bounded requests, and one line per check.

readonly REQUEST_SECONDS=10
readonly CONNECT_SECONDS=5

VERBOSE=no
ENVIRONMENT=''
BASE_URL=''
PASSED=0
FAILED=0
# The last answer: its status (000 when there was none), headers and body.
STATUS=000
HEADERS=''
BODY=''

usage_error() {
  printf '%s: %s; see %s --help\n' "${0##*/}" "$1" "${0##*/}" >&2
  exit 2
}

# print_help TITLE: what the script does, then what both scripts share.
print_help() {
  cat <<HELP
$1

Usage: ${0##*/} --environment dev|staging|production [--verbose]

  --environment NAME  dev (or development)   http://dev-api.internal
                      staging                https://staging-api.internal
                      production (or prod)   https://api.internal
  --verbose           show each request and its answer
  --help              show this

Environment variables, all optional:
  RELEASE_MANAGER_CONNECT_TO        connect to this address, as 127.0.0.1 or 127.0.0.1:8080, whatever the name
                                    resolves to
  RELEASE_MANAGER_CA_FILE           trust the certificates in this PEM file
  RELEASE_MANAGER_EXPECTED_VERSION  the version that /health has to name

Exit codes: 0 every check passed, 1 a check failed, 2 the script was called wrongly.
HELP
}

# parse_options TITLE ARGUMENT...: sets ENVIRONMENT, BASE_URL and VERBOSE, or leaves the script.
parse_options() {
  local title=$1 name=''
  shift
  while (($# > 0)); do
    case $1 in
      --environment)
        (($# > 1)) || usage_error '--environment needs a value: dev, staging or production'
        name=$2
        shift
        ;;
      --environment=*) name=${1#*=} ;;
      --verbose) VERBOSE=yes ;;
      --help)
        print_help "$title"
        exit 0
        ;;
      *) usage_error "unknown option '$1'" ;;
    esac
    shift
  done
  case $name in
    dev | development) ENVIRONMENT=dev BASE_URL=http://dev-api.internal ;;
    staging) ENVIRONMENT=staging BASE_URL=https://staging-api.internal ;;
    production | prod) ENVIRONMENT=production BASE_URL=https://api.internal ;;
    '') usage_error '--environment is missing; allowed is dev, staging or production' ;;
    *) usage_error "--environment is '$name'; allowed is dev, staging or production" ;;
  esac
  local program
  for program in curl python3; do
    command -v "$program" >/dev/null || usage_error "the program $program is not installed"
  done
  if [[ -n ${RELEASE_MANAGER_CA_FILE:-} && ! -r $RELEASE_MANAGER_CA_FILE ]]; then
    usage_error "RELEASE_MANAGER_CA_FILE is '$RELEASE_MANAGER_CA_FILE', which cannot be read"
  fi
}

# request METHOD PATH [JSON]: sends one bounded request; sets STATUS, HEADERS and BODY. Never fails.
request() {
  local method=$1 path=$2 json=${3:-} answer
  local options=(
    --silent --show-error --include --request "$method"
    --connect-timeout "$CONNECT_SECONDS" --max-time "$REQUEST_SECONDS"
    --write-out '\n%{http_code}'
  )
  if [[ -n $json ]]; then
    options+=(--header 'Content-Type: application/json' --data "$json")
  fi
  if [[ -n ${RELEASE_MANAGER_CONNECT_TO:-} ]]; then
    local target=$RELEASE_MANAGER_CONNECT_TO
    [[ $target == *:* ]] || target+=:
    options+=(--noproxy '*' --connect-to "::$target")
  fi
  if [[ -n ${RELEASE_MANAGER_CA_FILE:-} ]]; then
    options+=(--cacert "$RELEASE_MANAGER_CA_FILE")
  fi
  if answer=$(curl "${options[@]}" "$BASE_URL$path" 2>&1); then
    STATUS=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    HEADERS=${answer%%$'\r\n\r\n'*}
    BODY=${answer#*$'\r\n\r\n'}
  else
    STATUS=000
    HEADERS=''
    BODY=$(grep '^curl:' <<<"$answer")
  fi
  if [[ $VERBOSE == yes ]]; then
    printf '# %s %s%s %s\n' "$method" "$BASE_URL" "$path" "$json"
    printf '# -> %s %s\n' "$STATUS" "${BODY:0:600}" | sed '2,$s/^/#    /'
  fi
}

# value PATH: prints what the JSON of the last answer has under a path such as checks.database or releases.0.id.
value() {
  python3 -IS -c '
import json, sys
try:
    data = json.load(sys.stdin)
    for key in sys.argv[1].split("."):
        data = data[int(key)] if isinstance(data, list) else data[key]
    print(data if isinstance(data, str) else json.dumps(data))
except ValueError:
    print("(no JSON)")
except (KeyError, IndexError, TypeError):
    print("(missing)")
' "$1" <<<"$BODY"
}

# header_is NAME VALUE: says whether the last answer has this header with this value.
header_is() {
  tr -d '\r' <<<"$HEADERS" | grep --quiet --ignore-case --line-regexp --fixed-strings "$1: $2"
}

passed() {
  PASSED=$((PASSED + 1))
  printf 'ok %s\n' "$1"
}

# failed WHAT EXPECTED GOT
failed() {
  FAILED=$((FAILED + 1))
  printf 'FAIL %s: expected %s, got %s\n' "$1" "$2" "$3"
}

# check_equal WHAT EXPECTED GOT
check_equal() {
  if [[ $2 == "$3" ]]; then
    passed "$1"
  else
    failed "$1" "$2" "${3:-nothing}"
  fi
}

# check_status WHAT EXPECTED: compares the status of the last answer; fails when it is another.
check_status() {
  local got="$STATUS ${BODY:0:200}"
  [[ $STATUS != 000 ]] || got="no answer ($BODY)"
  if [[ $STATUS == "$2" ]]; then
    passed "$1"
  else
    failed "$1" "status $2" "$got"
    return 1
  fi
}

# finish NAME: prints the summary and leaves the script with its exit code.
finish() {
  printf '%s in %s (%s): %d passed, %d failed\n' "$1" "$ENVIRONMENT" "$BASE_URL" "$PASSED" "$FAILED"
  ((FAILED == 0)) || exit 1
  exit 0
}
