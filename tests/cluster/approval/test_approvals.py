"""An approval counts for exactly one subject, and only while its approver is on the list."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cluster.approval.approvals import KEPT, Approvals
from cluster.config_map import ATTEMPTS
from cluster.errors import ClusterError
from tests.cluster.api_server import ApiServer, config_map
from tests.recorded import NAME

AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
SQL = "ab" * 32
RECORD = f"{NAME}-approvals"


def approvals(server: ApiServer, *approvers: str) -> Approvals:
    return Approvals(server.cluster(), NAME, approvers or ("ana", "ben"))


def test_an_approval_is_found_again_with_who_and_when() -> None:
    server = ApiServer()
    given = approvals(server).approve("migration", SQL, "ana", AT)
    assert approvals(server).find("migration", SQL) == given
    assert json.loads(server.config_maps[RECORD]["data"][f"migration-{SQL}"]) == {
        "kind": "migration",
        "subject": SQL,
        "by": "ana",
        "at": "2024-05-14T09:30:00Z",
    }


def test_it_counts_for_nothing_else() -> None:
    server = ApiServer()
    approvals(server).approve("migration", SQL, "ana", AT)
    assert approvals(server).find("migration", "cd" * 32) is None
    assert approvals(server).find("release", SQL) is None


def test_nothing_is_approved_before_the_first_approval() -> None:
    assert approvals(ApiServer()).find("release", "v2024.05.14.093000") is None


def test_somebody_who_is_not_on_the_list_cannot_approve() -> None:
    server = ApiServer()
    with pytest.raises(ClusterError, match=r"'eve' may not approve here; approvers are: ana, ben\. To mend it: "):
        approvals(server).approve("release", "v1", "eve", AT)
    assert server.written() == []


def test_an_approval_by_somebody_who_left_the_list_counts_no_more_and_can_be_given_anew() -> None:
    server = ApiServer()
    approvals(server).approve("release", "v1", "ana", AT)
    assert approvals(server, "ben").find("release", "v1") is None
    assert approvals(server, "ben").approve("release", "v1", "ben", AT).by == "ben"


def test_the_first_approval_stands() -> None:
    server = ApiServer()
    approvals(server).approve("release", "v1", "ana", AT)
    assert approvals(server).approve("release", "v1", "ben", AT + timedelta(hours=1)).by == "ana"


@pytest.mark.parametrize("subject", ["", "a/b", "a b", "x" * 201])
def test_a_subject_that_no_key_can_hold_is_refused(subject: str) -> None:
    with pytest.raises(ClusterError, match="cannot be approved as a release"):
        approvals(ApiServer()).approve("release", subject, "ana", AT)


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({"kind": "release", "subject": "v2", "by": "ana", "at": "x"})])
def test_a_damaged_approval_is_told_with_its_mend(text: str) -> None:
    server = ApiServer(config_maps={RECORD: config_map(RECORD, {"release-v1": text})})
    with pytest.raises(ClusterError, match=rf"key release-v1 of ConfigMap {RECORD}.*To mend it: kubectl"):
        approvals(server).find("release", "v1")


def test_an_approval_copied_under_another_key_does_not_count() -> None:
    server = ApiServer()
    approvals(server).approve("release", "v1", "ana", AT)
    data = server.config_maps[RECORD]["data"]
    data["release-v2"] = data["release-v1"]
    with pytest.raises(ClusterError, match="does not hold the approval that it is named after"):
        approvals(server).find("release", "v2")


def test_two_people_who_approve_at_once_both_count() -> None:
    server = ApiServer()
    other = [lambda: approvals(server).approve("release", "v1", "ben", AT)]

    def between(request: httpx.Request) -> None:
        if request.method != "GET" and other:
            other.pop()()

    server.fails = between
    approvals(server).approve("migration", SQL, "ana", AT)
    assert approvals(server).find("migration", SQL) is not None
    assert approvals(server).find("release", "v1") is not None


def test_a_record_that_others_always_write_first_is_given_up() -> None:
    server = ApiServer()
    server.fails = lambda request: None if request.method == "GET" else httpx.Response(409, json={"message": "x"})
    with pytest.raises(ClusterError, match=f"was changed by somebody else {ATTEMPTS} times in a row"):
        approvals(server).approve("release", "v1", "ana", AT)


def test_only_the_newest_are_kept() -> None:
    server = ApiServer()
    for number in range(KEPT + 1):
        approvals(server).approve("release", f"v{number}", "ana", AT + timedelta(minutes=number))
    assert len(server.config_maps[RECORD]["data"]) == KEPT
    assert approvals(server).find("release", "v0") is None
    assert approvals(server).find("release", f"v{KEPT}") is not None
