"""The record of verified releases holds what to go back to, and two runs cannot spoil it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cluster.errors import ClusterError
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases, serving_release, snapshot, verified_now
from tests.cluster.api_server import ApiServer, config_map, template
from tests.recorded import NAME, Json

RECORD = f"{NAME}-releases"
WHEN = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


def release(version: str) -> Release:
    return Release(version=version, image=f"r@sha256:{version}", configuration="c0ffee", revision="abc")


def verified(version: str) -> VerifiedRelease:
    return VerifiedRelease(release=release(version), verified_at=WHEN, template=template(version), records={})


def test_before_the_first_release_there_is_none() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    assert releases.read() == []
    assert releases.last() is None
    without_data = {"metadata": {"name": RECORD, "resourceVersion": "1"}}
    assert VerifiedReleases(ApiServer(config_maps={RECORD: without_data}).cluster(), NAME).last() is None


def test_the_newest_comes_first_and_everything_is_read_back_as_written() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    full = VerifiedRelease(
        release=release("v2"), verified_at=WHEN, template=template("v2"), records={"a-record": {"version": "v2"}}
    )
    releases.add(verified("v1"))
    releases.add(full)
    assert releases.read() == [full, verified("v1")]
    assert releases.last() == full


def test_ten_are_kept() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    for number in range(13):
        releases.add(verified(f"v{number}"))
    assert [kept.release.version for kept in releases.read()] == [f"v{number}" for number in range(12, 2, -1)]


def test_a_release_that_is_verified_again_moves_to_the_top_once() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    for version in ("v1", "v2", "v1"):
        releases.add(verified(version))
    assert [kept.release.version for kept in releases.read()] == ["v1", "v2"]


def test_what_somebody_went_back_from_is_no_longer_chosen_until_it_is_verified_again() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    v1, v2, v3 = (
        verified(f"v{number}").model_copy(update={"verified_at": WHEN + timedelta(days=number)}) for number in (1, 2, 3)
    )
    for each in (v1, v2, v3):
        releases.add(each)
    releases.return_to(v1)
    assert [(each.release.version, each.left) for each in releases.read()] == [
        ("v1", False),
        ("v3", True),
        ("v2", True),
    ]
    assert releases.last() == v1
    assert releases.before(v1.release) is None
    again = v3.model_copy(update={"verified_at": WHEN + timedelta(days=4)})
    releases.add(again)
    assert releases.last() == again
    assert releases.before(v3.release) == v1


def test_going_forward_to_a_release_that_was_left_leaves_none() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    v1 = verified("v1")
    v2 = verified("v2").model_copy(update={"verified_at": WHEN + timedelta(days=1)})
    for each in (v1, v2):
        releases.add(each)
    releases.return_to(v1)
    releases.return_to(v2)
    assert [each.left for each in releases.read()] == [False, False]
    assert releases.before(v2.release) == v1


def test_what_comes_before_a_release_was_verified_before_it() -> None:
    releases = VerifiedReleases(ApiServer().cluster(), NAME)
    for version in ("v1", "v2", "v3"):
        releases.add(verified(version))
    assert releases.before(release("v2")) == verified("v1")
    assert releases.before(release("v1")) is None


def changed(version: str, **container: object) -> Json:
    made = template(version)
    made["spec"]["containers"][0] |= container
    return made


def test_the_release_that_serves_is_told_by_what_its_containers_run() -> None:
    server = ApiServer()
    releases = VerifiedReleases(server.cluster(), NAME)
    assert serving_release(server.cluster(), NAME) is None, "there is no Deployment"
    for version in ("v1", "v2"):
        releases.add(verified(version))
    server.deploy(template("v2"))
    assert serving_release(server.cluster(), NAME) == verified("v2")
    by_hand = template("v1")
    by_hand["metadata"] |= {"annotations": {"kubectl.kubernetes.io/restartedAt": "2024-05-14T10:00:00Z"}}
    by_hand["metadata"]["labels"]["who"] = "somebody"
    server.deploy(by_hand)
    assert serving_release(server.cluster(), NAME) == verified("v1")


@pytest.mark.parametrize(
    "container",
    [
        {"image": "another"},
        {"env": [{"name": "RELEASE_VERSION", "value": "v1"}, {"name": "FEATURE", "value": "changed"}]},
        {"command": ["sleep", "1"]},
        {"resources": {"limits": {"memory": "1Gi"}}},
        {"envFrom": [{"secretRef": {"name": "other"}}]},
    ],
)
def test_what_was_changed_by_hand_in_a_container_is_no_verified_release(container: Json) -> None:
    server = ApiServer()
    VerifiedReleases(server.cluster(), NAME).add(verified("v1"))
    server.deploy(changed("v1", **container))
    assert serving_release(server.cluster(), NAME) is None


def test_the_order_of_the_environment_says_nothing() -> None:
    server = ApiServer()
    VerifiedReleases(server.cluster(), NAME).add(verified("v1"))
    turned = template("v1")
    turned["spec"]["containers"][0]["env"].reverse()
    server.deploy(turned)
    assert serving_release(server.cluster(), NAME) == verified("v1")


def test_what_another_run_wrote_in_between_is_kept() -> None:
    server = ApiServer()
    other = VerifiedReleases(server.cluster(), NAME)
    interfered: list[httpx.Request] = []

    def interfere(request: httpx.Request) -> None:
        if request.method == "POST" and not interfered:
            interfered.append(request)
            other.add(verified("theirs"))

    server.fails = interfere
    VerifiedReleases(server.cluster(), NAME).add(verified("ours"))
    assert [kept.release.version for kept in other.read()] == ["ours", "theirs"]


def test_conflicts_without_end_are_given_up_with_what_to_do() -> None:
    server = ApiServer()
    server.fails = lambda request: httpx.Response(409, json={}) if request.method != "GET" else None
    with pytest.raises(ClusterError, match=r"changed by somebody else 5 times in a row.*run the same command again"):
        VerifiedReleases(server.cluster(), NAME).add(verified("v1"))
    assert len(server.written()) == 5


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"release": "v1"}]', "null"])
def test_a_damaged_record_is_named_with_the_command_that_mends_it(text: str) -> None:
    server = ApiServer(config_maps={RECORD: config_map(RECORD, {"verified.json": text})})
    releases = VerifiedReleases(server.cluster(), NAME)
    with pytest.raises(ClusterError) as caught:
        releases.last()
    assert f"ConfigMap {RECORD} does not hold a list" in str(caught.value)
    assert f"kubectl -n development delete configmap {RECORD}" in str(caught.value)
    with pytest.raises(ClusterError):
        releases.add(verified("v1"))
    assert server.written() == [], "a damaged record is left for a person to look at"


def test_a_snapshot_holds_the_records_that_exist() -> None:
    server = ApiServer(config_maps={"one": config_map("one", {"version": "v1"})})
    assert snapshot(server.cluster(), ["one", "two"]) == {"one": {"version": "v1"}}


def test_what_is_verified_is_what_the_cluster_runs() -> None:
    server = ApiServer()
    server.deploy(template("v1"))
    found = verified_now(server.cluster(), NAME, release("v1"), [], lambda: WHEN)
    assert json.loads(found.model_dump_json())["template"] == template("v1")
    assert found.verified_at == WHEN
    with pytest.raises(ClusterError, match=f"Deployment {NAME} is gone"):
        verified_now(ApiServer().cluster(), NAME, release("v1"), [], lambda: WHEN)
