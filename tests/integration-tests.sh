#!/usr/bin/env bash
# Integration tests of a deployed Release Manager: one release through its life, with database, cache and queue.
# The release is named integration-test-... and is removed at the end, also when a check fails.
set -uo pipefail

# shellcheck source=http-checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/http-checks.sh"

readonly CACHE_TRIES=5
readonly NO_SUCH_ID=2147483647
VERSION="integration-test-$(date -u +%Y%m%dT%H%M%SZ)-$$-$RANDOM"
readonly VERSION
# yes from the moment that the release may exist until it was removed; its id is empty while it is not known.
MAY_EXIST=no
CREATED_ID=''

# remove_release: removes the release of this test where there is one. Runs at the end, however the test ends.
remove_release() {
  [[ $MAY_EXIST == yes ]] || return 0
  MAY_EXIST=no
  if [[ -z $CREATED_ID ]]; then
    # The answer to the creation was lost or an error: the release may be there all the same.
    request GET '/releases?limit=200'
    CREATED_ID=$(in_list version "$VERSION" id)
    [[ $CREATED_ID =~ ^[0-9]+$ ]] || return 0
  fi
  request DELETE "/releases/$CREATED_ID"
  check_status "DELETE /releases/{id} removes $VERSION" 204
}

# in_list KEY VALUE WANTED: prints what the list of the last answer has as WANTED for the release whose KEY is VALUE.
in_list() {
  python3 -IS -c '
import json, sys
key, value, wanted = sys.argv[1:]
try:
    found = [each[wanted] for each in json.load(sys.stdin)["releases"] if str(each[key]) == value]
    print(found[0] if found else "not in the list")
except (ValueError, KeyError, TypeError):
    print("no list")
' "$1" "$2" "$3" <<<"$BODY"
}

check_list_shows() {
  request GET '/releases?limit=200'
  check_status "GET /releases answers $1" 200 || return
  check_equal "GET /releases shows the release as $2 $1" "$2" "$(in_list id "$3" status)"
}

check_cache() {
  local try
  for ((try = 1; try <= CACHE_TRIES; try++)); do
    request GET '/releases?limit=200'
    if [[ $STATUS != 200 ]]; then
      check_status 'GET /releases answers again' 200
      return
    fi
    if header_is X-Cache hit; then
      passed 'GET /releases is answered from the cache'
      return
    fi
  done
  failed 'GET /releases is answered from the cache' "a hit within $CACHE_TRIES tries" 'misses'
}

check_life_of_a_release() {
  MAY_EXIST=yes
  request POST /releases "{\"version\": \"$VERSION\", \"notes\": \"made by integration-tests.sh\"}"
  check_status 'POST /releases creates' 201 || return
  CREATED_ID=$(value id)
  local id=$CREATED_ID
  check_equal 'POST /releases answers the version' "$VERSION" "$(value version)"
  check_equal 'POST /releases answers pending' pending "$(value status)"

  request GET "/releases/$id"
  if check_status 'GET /releases/{id} answers' 200; then
    check_equal 'GET /releases/{id} shows the version' "$VERSION" "$(value version)"
  fi
  check_list_shows 'after the creation' pending "$id"
  check_cache

  request POST /releases "{\"version\": \"$VERSION\"}"
  check_status 'POST /releases refuses the same version again' 409

  request POST "/releases/$id/approve" '{"approver": "integration-test"}'
  if check_status 'POST /releases/{id}/approve approves' 200; then
    check_equal 'approve answers approved' approved "$(value status)"
    check_equal 'approve answers the approver' integration-test "$(value approved_by)"
  fi
  check_list_shows 'after the approval' approved "$id"
  request POST "/releases/$id/approve" '{"approver": "integration-test"}'
  check_status 'POST /releases/{id}/approve refuses a second approval' 409

  remove_release
  request GET "/releases/$id"
  check_status 'GET /releases/{id} of a removed release' 404
}

check_refusals() {
  request GET "/releases/$NO_SUCH_ID"
  if check_status 'GET of an unknown release' 404; then
    check_equal '404 says what is missing' "there is no release $NO_SUCH_ID" "$(value detail)"
  fi
  request POST "/releases/$NO_SUCH_ID/approve" '{"approver": "integration-test"}'
  check_status 'approval of an unknown release' 404
  request POST /releases '{"notes": "no version"}'
  if check_status 'POST of a release without a version' 422; then
    check_equal '422 names the field' version "$(value detail.0.loc.1)"
    check_equal '422 names the kind of error' missing "$(value detail.0.type)"
  fi
  request POST "/releases/$NO_SUCH_ID/approve" '{"approver": ""}'
  check_status 'approval by nobody' 422
}

parse_options 'Integration tests of a deployed Release Manager: makes, approves and removes one release of its own.' "$@"
trap remove_release EXIT
trap 'exit 1' INT TERM HUP
check_life_of_a_release
check_refusals
finish 'integration tests'
