"""The watch of a stack: its plan for the update and for the Job, its image by digest, and what a person reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed
from cluster.names import Names
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.standing import Standing
from cluster.watch.state import End, WatchState
from components.watch import labels_of
from evidence.errors import EvidenceError
from evidence.registry import Registry
from settings import Settings, read_stack
from tests.cluster.api_server import ApiServer, config_map, template
from tests.fake_time import Told
from tests.recorded import NAME
from tests.stack_values import CANARY, settings_of
from watch.assembling import Assembly
from watching import WatchFound, Watching, told, watch_key

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "registry.internal/release-manager-watch"
RECORD = {"version": "v1", "image": "r@sha256:v1", "configuration": "c0ffee", "revision": "abc", "from": "4"}
JOB = {
    "image": f"{IMAGE}:v1",
    "health_url": "http://release-manager-dev/health",
    "connect_to": "10.0.0.7",
    "prometheus_url": "http://prometheus.monitoring:9090",
}
STORE = {"url": "https://logs.internal", "username": "watch", "password": "hunter2-of-the-store"}
AT = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def settings(mode: str = "job", **watch: Any) -> Settings:
    return of({**STORE}, mode=mode, **watch)


def of(log_store: dict[str, Any], mode: str = "job", **watch: Any) -> Settings:
    values = {"mode": mode, "job": JOB, **watch}
    return settings_of(**CANARY, rollout__timeout_seconds=600, watch=values, log_store=log_store)


def no_cluster() -> Cluster:
    raise AssertionError("nobody asked for the cluster")


def watching(
    found: Settings, tags: dict[str, str] | None = None, cluster: Callable[[], Cluster] = no_cluster
) -> Watching:
    def answer(request: httpx.Request) -> httpx.Response:
        tag = request.url.path.rpartition("/")[2]
        if tag not in (tags or {}):
            return httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN"}]})
        content = json.dumps({"schemaVersion": 2, "tag": tag}).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        kind = "application/vnd.oci.image.manifest.v1+json"
        return httpx.Response(200, content=content, headers={"Content-Type": kind, "Docker-Content-Digest": digest})

    def registry(repository: str) -> Registry:
        return Registry(repository, None, transport=httpx.MockTransport(answer))

    names, given_back = Names(NAME, "release-manager"), list[bool]()
    return Watching(found, names, (f"{NAME}-migration",), cluster, registry, lambda: given_back.append(True))


def test_the_update_asks_where_the_runner_asks_and_the_job_where_its_pod_can() -> None:
    configured = watching(of({**STORE, "username": "", "password": None}))
    inline, by_job = configured.plan(RECORD), configured.plan(RECORD, by_job=True)
    assert (inline.health.connect_to, by_job.health.connect_to) == ("", "10.0.0.7")
    assert str(inline.health.url) != str(by_job.health.url) == "http://release-manager-dev/health"
    assert inline.prometheus_url == "https://prometheus.internal/"
    assert by_job.prometheus_url == "http://prometheus.monitoring:9090/"
    assert inline.key == by_job.key == watch_key(RECORD)
    assert inline.release.version == "v1"


def test_the_jobs_plan_keeps_its_secrets_apart() -> None:
    found = watching(settings()).job_plan(RECORD)
    assert "hunter2" not in found.text
    assert json.loads(found.secrets) == {"log_store.password": "hunter2-of-the-store"}


def test_an_attempt_is_named_by_its_release_and_where_it_started() -> None:
    assert watch_key(RECORD) == watch_key({**RECORD, "step": "100"})
    assert watch_key(RECORD) != watch_key({**RECORD, "from": "7"})
    assert watch_key(RECORD) != watch_key({**RECORD, "image": "r@sha256:v2"})


def test_a_certificate_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(ClusterError, match=r"log_store\.ca_file .* cannot be read"):
        watching(of({**STORE, "ca_file": missing})).plan(RECORD)


def test_the_image_of_the_job_is_named_by_digest() -> None:
    found = watching(settings(), {"v1": "x"}).image(settled=False)
    assert found.startswith(f"{IMAGE}@sha256:")


def test_an_image_that_is_missing_is_told_before_anything_is_released() -> None:
    with pytest.raises(EvidenceError, match=r"watch\.job\.image"):
        watching(settings()).image(settled=False)
    assert watching(settings(mode="inline")).image(settled=False) == ""


def test_once_it_is_settled_the_image_of_the_job_that_is_there_will_do() -> None:
    found = f"{IMAGE}@sha256:{'7a' * 32}"
    job = {
        "metadata": {"labels": labels_of(NAME)},
        "spec": {"template": {"spec": {"containers": [{"name": "watch", "image": found}]}}},
    }

    def cluster_with(*jobs: Any) -> Cluster:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"items": list(jobs)}))
        return Cluster(httpx.Client(base_url="https://10.0.0.1:6443", transport=transport), "staging")

    other = {**job, "metadata": {"labels": {"component": "migration"}}}
    assert watching(settings(), cluster=lambda: cluster_with(other, job)).image(settled=True) == found
    with pytest.raises(EvidenceError):
        watching(settings(), cluster=lambda: cluster_with(other)).image(settled=True)


def server(watch: dict[str, Any] | None = None) -> ApiServer:
    """Return a cluster where v1 serves, verified."""
    made = ApiServer()
    made.deploy(template("v1"))
    release = {key: RECORD[key] for key in ("version", "image", "configuration", "revision")}
    values = {"release": release, "verified_at": AT, "template": template("v1"), "records": {}}
    VerifiedReleases(made.cluster(), NAME).add(VerifiedRelease.model_validate(values))
    if watch is not None:
        state = {"key": "0", "version": "v1", "began_at": AT, "looked_at": AT, **watch}
        text = WatchState.model_validate(state).model_dump_json()
        made.config_maps[f"{NAME}-watch"] = config_map(f"{NAME}-watch", {"watch.json": text})
    return made


def identity() -> str:
    return VerifiedReleases(server().cluster(), NAME).read()[0].release.identity


@pytest.mark.parametrize(
    ("watch", "asked", "settled"),
    [
        (None, RECORD, True),
        (None, {**RECORD, "image": ""}, True),
        (None, {**RECORD, "version": "v2"}, False),
        (None, {**RECORD, "configuration": "other"}, False),
        ({"end": End.WATCHED}, RECORD, True),
        ({"end": End.UNSEEN}, RECORD, False),
        ({}, RECORD, False),
        ({"identity": "another", "end": End.TAKEN_BACK}, RECORD, True),
    ],
)
def test_the_watch_stays_as_it_is_once_the_release_serves_and_its_hour_is_over(
    watch: dict[str, Any] | None, asked: dict[str, str], *, settled: bool
) -> None:
    state = None if watch is None else {"identity": identity(), **watch}
    found = watching(settings(), {"v1": "x"}, server(state).cluster).look_at(Standing(), asked)
    assert found.settled is settled
    assert found.image.startswith(f"{IMAGE}@sha256:")


def test_after_an_undo_by_hand_the_watch_stays_as_it_is() -> None:
    assert watching(settings(), {"v1": "x"}).look_at(Standing(gone_back=True), RECORD).settled


def test_a_stack_without_a_watch_asks_nobody() -> None:
    assert watching(settings_of()).look_at(Standing(gone_back=True), RECORD) == WatchFound("", settled=False)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (End.TAKEN_BACK, "was taken back in staging: watch: errors: 60 of 600"),
        (End.STAYED, "make rollback STACK=staging"),
        (End.REPLACED, "is not watched to the end in staging"),
        (End.UNSEEN, "Nothing was taken back"),
    ],
)
def test_an_update_that_watches_ends_well_only_where_the_release_was_good_to_the_end(
    monkeypatch: pytest.MonkeyPatch, end: End, said: str
) -> None:
    state = WatchState(key="0", identity="x", version="v1", began_at=AT, looked_at=AT, cause="errors: 60 of 600")
    state.end = end
    monkeypatch.setattr(Assembly, "run", lambda _assembly: state)
    configured = watching(settings(mode="inline"), cluster=ApiServer().cluster)
    with pytest.raises(GateFailed) as caught:
        configured.watched(RECORD, Told().reporter)
    assert said in str(caught.value)
    assert str(caught.value) == told(state, configured.plan(RECORD))
    state.end = End.WATCHED
    configured.watched(RECORD, Told().reporter)


def test_while_an_update_watches_nobody_is_kept_from_going_back(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = list[str]()
    state = WatchState(key="0", identity="x", version="v1", began_at=AT, looked_at=AT, end=End.WATCHED)

    def run(_assembly: Assembly) -> WatchState:
        steps.append("watched")
        return state

    monkeypatch.setattr(Assembly, "run", run)
    configured = watching(settings(mode="inline"), cluster=ApiServer().cluster)
    replace(configured, give_back=lambda: steps.append("given back")).watched(RECORD, Told().reporter)
    assert steps == ["given back", "watched"]


def test_the_other_stacks_are_not_watched() -> None:
    for stack in ("dev", "staging"):
        assert read_stack(stack).watch.mode == "off"
