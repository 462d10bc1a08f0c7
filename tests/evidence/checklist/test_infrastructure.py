"""Every item that the cluster and its services prove has its prover, and none of them raises or waits for long."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr

from checks.reader import Unreachable
from concerns.analysis import PrometheusSettings
from concerns.approval import ApprovalSettings
from concerns.checklist_sources import ChecklistSources
from concerns.log_store import LogStoreSettings
from concerns.migration import MigrationSettings
from concerns.notify import NotifySettings, PagerDutySettings, SlackSettings
from concerns.secrets import secret_paths
from concerns.window import WindowSettings
from evidence.checklist.dashboard import Dashboard
from evidence.checklist.infrastructure import Infrastructure, ReleaseFacts, provers_of_infrastructure
from evidence.checklist.item import BY_NAME
from evidence.checklist.proof import Proof, State
from evidence.checklist.service import ANSWER_SECONDS
from tests.cluster.api_server import Failure, template
from tests.evidence.checklist.services import NOW, Kubernetes, Web, away, says_what_closes, wall_clock
from tests.evidence.checklist.test_drill_item import DRILL, RECORD
from tests.evidence.checklist.test_log_item import hits
from tests.evidence.checklist.test_monitoring_item import Declared
from tests.evidence.checklist.test_on_call_item import entry, oncalls
from tests.recorded import NAME, NAMESPACE

NUMBERS = (8, 11, 12, 13, 15, 16, 17, 18, 19)
SOURCES: dict[str, Any] = {
    "migration": {"files": ["migrations"]},
    "announcement": {"minutes_before": 60},
    "on_call": {"schedule": "PSCHED1"},
    "backup": {"maximum_age_hours": 24, "metric": {"last_success": "backup_at", "size": "backup_bytes"}},
    "log_age_minutes": 10,
    "drill": {"maximum_age_days": 30, "namespace": "staging", "deployment": "release-manager-staging"},
}
RELEASE = ReleaseFacts(
    version="v2024.05.14",
    image="r@sha256:1",
    estimated_minutes=20,
    announcement=f"https://example.slack.com/archives/C0RELEASES/p{NOW.timestamp() - 7200:.6f}".replace(
        ".000000", "000000"
    ),
    alerts=(Declared("Down", "up == 0"),),
)


def around(server: Kubernetes, web: Web, **sources: Any) -> Infrastructure:
    def nodes() -> list[Any]:
        if server.fails is away:
            raise Unreachable("the cluster gives no answer")
        ready = {"type": "Ready", "status": "True"}
        return [{"metadata": {"name": "node-1"}, "status": {"conditions": [ready]}}]

    return Infrastructure(
        stack="prod",
        deployment=NAME,
        directory=Path(),
        context=Path(),
        approval=ApprovalSettings(
            required=True, approvers=("ann",), window=WindowSettings(start="09:00", minutes=60, timezone="UTC")
        ),
        migration=MigrationSettings(mode="head", command=("alembic", "upgrade", "head"), timeout_seconds=60),
        notify=NotifySettings(
            slack=SlackSettings(channel="#releases", token=SecretStr("not-a-real-token")),
            pagerduty=PagerDutySettings(routing_key=SecretStr("not-a-real-key"), token=SecretStr("not-a-real-token")),
        ),
        prometheus=PrometheusSettings(url=AnyHttpUrl("https://prometheus.internal")),
        sources=ChecklistSources.model_validate_json(json.dumps(sources)),
        dashboard=Dashboard("release-manager", "grafana_dashboard", NAMESPACE, "dashboard") if sources else None,
        log_store=LogStoreSettings(url=AnyHttpUrl("https://logs.internal")) if sources else None,
        cluster=server.cluster(),
        cluster_in=server.cluster_in,
        nodes=nodes,
        connect=web.connect,
        connect_to_logs=web.connect,
        clock=web.time.clock,
        wall_clock=wall_clock,
    )


def answer(request: httpx.Request) -> Failure:
    """Answer as every service does when all is well."""
    query = request.url.params.get("query", "")
    value = {"backup_at": str(NOW.timestamp() - 3600), "backup_bytes": "5000"}.get(query)
    vector = {"resultType": "vector", "result": [{"metric": {}, "value": [0, value]}]}
    rule = {"name": "Down", "query": "up == 0", "health": "ok", "duration": 60, "labels": {"severity": "critical"}}
    answers: dict[str, Any] = {
        "/api/chat.getPermalink": {"ok": True, "permalink": RELEASE.announcement},
        "/_cluster/health": {"status": "green"},
        "/api/v1/alerts": {"status": "success", "data": {"alerts": []}},
        "/api/v1/rules": {"status": "success", "data": {"groups": [{"rules": [rule]}]}},
        "/api/v1/query": {"status": "success", "data": vector},
    }
    if request.url.path == "/oncalls":
        return oncalls(entry("Ann"))
    if request.url.path.endswith("/_search"):
        return hits(NOW)
    return httpx.Response(200, json=answers[request.url.path])


def well() -> Kubernetes:
    dashboard = {
        "metadata": {"name": "dashboard", "labels": {"grafana_dashboard": "1"}},
        "data": {"dashboard.json": '{"uid": "release-manager"}'},
    }
    server = Kubernetes(
        answers={
            f"/api/v1/namespaces/{NAMESPACE}": {"metadata": {"name": NAMESPACE}},
            f"/api/v1/namespaces/{NAMESPACE}/configmaps/dashboard": dashboard,
            RECORD: {"metadata": {"name": "drill"}, "data": DRILL.to_data()},
        }
    )
    server.deploy(template("v1"))
    return server


def prove_all(server: Kubernetes, web: Web, release: ReleaseFacts = RELEASE, **sources: Any) -> dict[str, Proof]:
    found = provers_of_infrastructure(around(server, web, **sources), release)
    return {name: prover() for name, prover in found.items()}


def test_every_item_of_the_infrastructure_has_its_prover_and_nobody_is_asked_yet() -> None:
    server, web = well(), Web(answer)
    found = provers_of_infrastructure(around(server, web, **SOURCES), RELEASE)
    assert sorted(BY_NAME[name].number for name in found) == list(NUMBERS)
    assert (server.requests, web.requests) == ([], [])


def test_where_all_is_well_every_item_is_proven() -> None:
    proofs = prove_all(well(), Web(answer), **SOURCES)
    assert {name: proof.state for name, proof in proofs.items() if proof.state is not State.PROVEN} == {}


def test_a_later_look_at_the_same_situation_shows_other_ages_and_keeps_the_same() -> None:
    now = around(well(), Web(answer), **SOURCES)
    later = replace(now, wall_clock=lambda: NOW + timedelta(minutes=7))
    first, second = ({k: p() for k, p in provers_of_infrastructure(each, RELEASE).items()} for each in (now, later))
    assert first["backup"].seen != second["backup"].seen
    assert {k: replace(p, seen="") for k, p in first.items()} == {k: replace(p, seen="") for k, p in second.items()}


def test_with_every_service_down_no_item_is_closed_that_needs_one_and_each_says_what_to_look_at() -> None:
    web = Web(away)
    proofs = prove_all(Kubernetes(fails=away), web, **SOURCES)
    closed = {name for name, proof in proofs.items() if proof.state.closed}
    assert closed == {"migration", "window"}
    for name in set(proofs) - closed:
        assert says_what_closes(proofs[name], State.UNKNOWN), name
    assert web.time.passed <= ANSWER_SECONDS * len(proofs)


def test_without_settings_nothing_is_proven_that_rests_on_them() -> None:
    proofs = prove_all(well(), Web(answer), replace(RELEASE, announcement=""))
    missing = {name for name, proof in proofs.items() if proof.state is State.MISSING}
    assert missing == {"announcement", "on-call", "backup", "monitoring", "logs", "rollback"}
    for name in missing:
        assert says_what_closes(proofs[name], State.MISSING)


def test_prometheus_has_no_longer_than_the_budget_although_the_settings_allow_it() -> None:
    web = Web(answer)
    patient = replace(
        around(well(), web, **SOURCES),
        prometheus=PrometheusSettings(url=AnyHttpUrl("https://prometheus.internal"), timeout_seconds=60),
    )
    assert provers_of_infrastructure(patient, RELEASE)["environment"]().state is State.PROVEN
    assert [each.extensions["timeout"]["read"] for each in web.requests] == [ANSWER_SECONDS]


def test_the_time_out_that_prometheus_is_told_is_one_that_it_understands() -> None:
    web = Web(answer)
    provers_of_infrastructure(around(well(), web, **SOURCES), RELEASE)["backup"]()
    assert {each.url.params["timeout"] for each in web.requests} == {"2000ms"}


def test_what_signs_in_to_the_log_store_is_known_as_a_secret() -> None:
    assert list(secret_paths(LogStoreSettings)) == [("password",), ("api_key",), ("bearer_token",)]


@pytest.mark.parametrize("name", ["announcement", "on_call", "backup", "drill", "migration"])
def test_every_source_may_be_left_out(name: str) -> None:
    assert getattr(ChecklistSources(), name) is None
