"""A backup counts only if it has succeeded, is young enough, and is not empty."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from concerns.checklist_sources import BackupSettings, CronJobBackupSettings
from evidence.checklist.backup_item import BATCH, SNAPSHOTS, backup_prover
from evidence.checklist.proof import Proof, State
from tests.checks.fake_prometheus import success, vector
from tests.cluster.api_server import Failure
from tests.evidence.checklist.services import (
    DOWN,
    NONSENSE,
    NOW,
    OTHER,
    Kubernetes,
    ago,
    always,
    asking,
    away,
    iso,
    path,
    says_what_closes,
    wall_clock,
)
from tests.recorded import NAMESPACE, Json, pod

METRIC = {"last_success": "max(backup_last_success)", "size": "max(backup_bytes)"}
YOUNG = "the newest is younger than 1 d 0 h, and not empty"


def settings(**places: Any) -> BackupSettings:
    return BackupSettings.model_validate({"maximum_age_hours": 24.0, **places})


def prove(wanted: BackupSettings | None, server: Kubernetes | None = None, asked: Any = None) -> Proof:
    cluster = server or Kubernetes()
    return backup_prover(
        wanted,
        stack="prod",
        namespace=NAMESPACE,
        cluster_in=cluster.cluster_in,
        ask_prometheus=asked,
        wall_clock=wall_clock,
    )()


def measured(at: float | None, size: str | None = "5000", **changes: Any) -> Proof:
    """Return the proof by a Prometheus that has these two values."""

    def answer(request: httpx.Request) -> Failure:
        query = request.url.params["query"]
        value = {"max(backup_last_success)": None if at is None else str(at), "max(backup_bytes)": size}[query]
        return vector() if value is None else vector(({}, value))

    return prove(settings(metric=METRIC, **changes), asked=partial(asking, answer))


def test_a_young_backup_is_proven_and_its_age_only_shown() -> None:
    proof = measured(ago(hours=3, minutes=12).timestamp(), size="1234567")
    assert (proof.state, proof.value) == (State.PROVEN, YOUNG)
    assert proof.seen == "3 h 12 min old, 1,234,567 bytes"


@pytest.mark.parametrize(
    ("hours", "size", "state"),
    [
        (24, "5000", State.PROVEN),
        (24.1, "5000", State.EXPIRED),
        (24.1, "0", State.EXPIRED),
        (1, "0", State.MISSING),
        (1, "999", State.MISSING),
        (1, "1000", State.PROVEN),
        (1, None, State.UNKNOWN),
        (1, "NaN", State.UNKNOWN),
        (-1, "5000", State.UNKNOWN),
    ],
)
def test_age_and_size_decide(hours: float, size: str | None, state: State) -> None:
    proof = measured(ago(hours=hours).timestamp(), size, minimum_bytes=1000)
    assert proof.state is state
    assert state is State.PROVEN or says_what_closes(proof, state)


def test_a_metric_that_is_not_there_is_missing() -> None:
    proof = measured(None)
    assert says_what_closes(proof, State.MISSING)
    assert "checklist.backup.metric.last_success" in proof.closes


@pytest.mark.parametrize("at", [NOW.timestamp() * 1000, 1e300, -1e300])
def test_a_number_that_is_no_moment_is_unknown(at: float) -> None:
    assert says_what_closes(measured(at), State.UNKNOWN)


@pytest.mark.parametrize("answer", [*DOWN, *NONSENSE, success({"resultType": "vector", "result": [1]})])
def test_a_prometheus_without_a_usable_answer_leaves_it_unknown(answer: Failure) -> None:
    proof = prove(settings(metric=METRIC), asked=partial(asking, lambda _request: answer))
    assert says_what_closes(proof, State.UNKNOWN)


def test_what_is_not_configured_is_missing() -> None:
    assert "checklist.backup" in prove(None).closes
    assert "prometheus.url" in prove(settings(metric=METRIC)).closes


def cron_job(last: datetime | None) -> Json:
    status = {} if last is None else {"lastSuccessfulTime": iso(last), "lastScheduleTime": iso(NOW)}
    return {"metadata": {"name": "backup", "uid": "uid-cron"}, "status": status}


def job(name: str, completed: datetime, *, owner: str = "uid-cron", kind: str = "Complete") -> Json:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": [{"kind": "CronJob", "uid": owner}]},
        "status": {"completionTime": iso(completed), "conditions": [{"type": kind, "status": "True"}]},
    }


def backed_up(log: list[str], last: datetime | None, *, namespace: str = OTHER) -> Kubernetes:
    """Return a cluster with a CronJob, three Jobs of it and one of another, and the log of its newest success."""
    jobs = [
        job("old", ago(days=3)),
        job("new", ago(hours=2)),
        job("failed", ago(hours=1), kind="Failed"),
        job("foreign", ago(minutes=1), owner="uid-other"),
    ]
    pods = [pod("new-abc", phase="Succeeded")]
    found: dict[str, Json | httpx.Response] = {
        path(BATCH, "cronjobs", "backup", namespace): cron_job(last),
        path(BATCH, "jobs", "", namespace): {"items": jobs},
        path("api/v1", "pods", "", namespace): {"items": pods},
        path("api/v1", "pods", "new-abc/log", namespace): httpx.Response(200, text="\n".join(log)),
    }
    return Kubernetes(answers=found)


def of_cron_job(server: Kubernetes, **changes: Any) -> Proof:
    return prove(settings(cron_job={"name": "backup", "namespace": OTHER}, **changes), server)


def test_a_cron_job_tells_when_and_the_log_of_its_last_success_how_much() -> None:
    server = backed_up(["0 bytes", "wrote 4096 bytes", "done"], ago(hours=2))
    proof = of_cron_job(server)
    assert (proof.state, proof.value, proof.seen) == (State.PROVEN, YOUNG, "2 h 0 min old, 4,096 bytes")
    assert proof.source == f"CronJob backup in {OTHER}"
    asked = [each.url.params["labelSelector"] for each in server.requests if each.url.path.endswith("/pods")]
    assert asked == ["batch.kubernetes.io/controller-uid=uid-new"]


@pytest.mark.parametrize(
    ("log", "last", "state"),
    [
        (["wrote 0 bytes"], ago(hours=2), State.MISSING),
        (["wrote 4096 bytes"], ago(hours=25), State.EXPIRED),
        (["wrote 4096 bytes"], None, State.MISSING),
        (["done"], ago(hours=2), State.UNKNOWN),
        ([], ago(hours=2), State.UNKNOWN),
    ],
)
def test_a_cron_job_without_a_young_whole_backup_is_open(log: list[str], last: datetime | None, state: State) -> None:
    assert says_what_closes(of_cron_job(backed_up(log, last)), state)


def test_a_cron_job_that_never_ran_or_is_not_there_says_what_to_do() -> None:
    assert "create job --from=cronjob/backup" in of_cron_job(backed_up([], None)).closes
    missing = path(BATCH, "cronjobs", "backup", OTHER)
    proof = of_cron_job(Kubernetes(answers={missing: httpx.Response(404, json={})}))
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "there is no such CronJob"


def test_jobs_that_are_gone_leave_the_size_unknown() -> None:
    server = backed_up([], ago(hours=2))
    server.answers[path(BATCH, "jobs", "", OTHER)] = {"items": []}
    assert says_what_closes(of_cron_job(server), State.UNKNOWN)


def snapshot(taken: datetime, *, claim: str = "data", ready: bool = True, size: str | None = "10Gi") -> Json:
    status = {"readyToUse": ready, "creationTime": iso(taken), **({"restoreSize": size} if size else {})}
    return {"metadata": {"name": "s"}, "spec": {"source": {"persistentVolumeClaimName": claim}}, "status": status}


def of_snapshots(*items: Json) -> Proof:
    server = Kubernetes(answers={path(SNAPSHOTS, "volumesnapshots"): {"items": list(items)}})
    return prove(settings(snapshot={"claim": "data"}), server)


def test_the_newest_snapshot_that_is_ready_counts() -> None:
    proof = of_snapshots(
        snapshot(ago(days=4)),
        snapshot(ago(hours=5)),
        snapshot(ago(hours=1), ready=False),
        snapshot(ago(hours=1), claim="other"),
        {"metadata": {"name": "new"}, "spec": {"source": {"persistentVolumeClaimName": "data"}}},
    )
    assert (proof.state, proof.value) == (State.PROVEN, YOUNG)
    assert proof.seen == "5 h 0 min old, 10,737,418,240 bytes"


@pytest.mark.parametrize(
    ("items", "state"),
    [
        ([], State.MISSING),
        ([snapshot(ago(hours=1), ready=False)], State.MISSING),
        ([snapshot(ago(hours=1), claim="other")], State.MISSING),
        ([snapshot(ago(hours=1), size="0")], State.MISSING),
        ([snapshot(ago(hours=1), size=None)], State.UNKNOWN),
        ([snapshot(ago(hours=1), size="large")], State.UNKNOWN),
        ([snapshot(ago(hours=25))], State.EXPIRED),
    ],
)
def test_snapshots_that_are_no_backup_leave_it_open(items: list[Json], state: State) -> None:
    assert says_what_closes(of_snapshots(*items), state)


@pytest.mark.parametrize("places", [{"cron_job": {"name": "backup"}}, {"snapshot": {"claim": "data"}}])
def test_a_cluster_without_a_usable_answer_leaves_it_unknown(places: dict[str, Any]) -> None:
    assert says_what_closes(prove(settings(**places), Kubernetes(fails=away)), State.UNKNOWN)
    forbidden = Kubernetes(fails=lambda _request: httpx.Response(403, json={"message": "forbidden"}))
    assert says_what_closes(prove(settings(**places), forbidden), State.UNKNOWN)
    for text in ("<html>", "[]", '{"items": [1], "status": 1}'):
        server = Kubernetes(fails=partial(always, httpx.Response(200, text=text)))
        assert says_what_closes(prove(settings(**places), server), State.UNKNOWN)


@pytest.mark.parametrize("places", [{}, {"metric": METRIC, "snapshot": {"claim": "data"}}])
def test_exactly_one_place_is_named(places: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of: metric, cron_job, snapshot"):
        settings(**places)


@pytest.mark.parametrize("pattern", ["[0-9]+ bytes", "([0-9]+) (bytes)", "("])
def test_the_pattern_of_the_size_has_one_group(pattern: str) -> None:
    with pytest.raises(ValidationError, match="one group"):
        CronJobBackupSettings(name="backup", size_pattern=pattern)
