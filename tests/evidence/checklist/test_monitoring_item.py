"""A release is watched only if Prometheus has loaded each alert as declared, and the dashboard is there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr

from concerns.monitoring import KeptDashboardSettings
from concerns.notify import GrafanaSettings
from evidence.checklist.dashboard import Dashboard
from evidence.checklist.monitoring_item import monitoring_prover
from evidence.checklist.prometheus_rules import same_expression
from evidence.checklist.proof import Proof, State
from tests.checks.fake_prometheus import success
from tests.cluster.api_server import Failure
from tests.evidence.checklist.services import (
    DOWN,
    NONSENSE,
    OTHER,
    Kubernetes,
    Web,
    asking,
    away,
    path,
    says_what_closes,
)
from tests.recorded import NAMESPACE, Json

ERRORS = 'sum by (pod) (rate(errors_total{namespace="production",app="release-manager"}[300s])) > 0.001'
# The same as Prometheus shows it.
ERRORS_LOADED = 'sum by(pod) (rate(errors_total{app="release-manager",namespace="production"}[5m])) > 0.001'
SLOW = "histogram_quantile(0.99, sum by (le) (rate(duration_bucket[5m]))) > 0.5"


@dataclass(frozen=True)
class Declared:
    name: str
    expr: str
    severity: str = "critical"
    for_seconds: int = 60


DECLARED = (Declared("HighErrorRate", ERRORS), Declared("Slow", SLOW))
DASHBOARD = Dashboard("release-manager", "grafana_dashboard", OTHER, "dashboard")
IN_GRAFANA = Dashboard("release-manager", "grafana_dashboard", NAMESPACE)
GRAFANA = GrafanaSettings(url=AnyHttpUrl("https://grafana.internal"), token=SecretStr("not-a-real-token"))


def rule(name: str, query: str, health: str = "ok", error: str = "", **changes: Any) -> Json:
    shown = {"lastError": error} if error else {}
    labels = {"severity": "critical", "stack": "prod"}
    found = {"type": "alerting", "name": name, "query": query, "health": health, "duration": 60, "labels": labels}
    return {**found, **shown, **changes}


def rules(*found: Json) -> httpx.Response:
    groups = [{"name": f"group-{number}", "file": "/etc/x.yml", "rules": [each]} for number, each in enumerate(found)]
    return success({"groups": groups})


LOADED = rules(rule("HighErrorRate", ERRORS_LOADED), rule("Slow", SLOW), rule("OfSomebodyElse", "up == 0"))


def config_map(labels: Mapping[str, str] | None = None, **data: str) -> Json:
    default = {"dashboard.json": json.dumps({"uid": "release-manager", "title": "Release Manager"})}
    marked = {"grafana_dashboard": "1"} if labels is None else dict(labels)
    return {"metadata": {"name": "dashboard", "labels": marked}, "data": data or default}


def with_dashboard(found: Json | httpx.Response | None = None) -> Kubernetes:
    return Kubernetes(answers={path("api/v1", "configmaps", "dashboard", OTHER): found or config_map()})


def prove(
    answer: Failure | None = LOADED,
    declared: Sequence[Declared] = DECLARED,
    *,
    server: Kubernetes | None = None,
    dashboard: Dashboard | None = DASHBOARD,
    grafana: Failure | None = None,
    is_pending: Callable[[], bool] = lambda: False,
) -> tuple[Proof, Web]:
    web = Web(lambda _request: grafana or httpx.Response(500))
    prover = monitoring_prover(
        declared,
        dashboard,
        None if grafana is None else GRAFANA,
        stack="prod",
        cluster_in=(server or with_dashboard()).cluster_in,
        ask_rules=None if answer is None else partial(asking, lambda _request: answer),
        connect=web.connect,
        clock=web.time.clock,
        is_pending=is_pending,
    )
    return prover(), web


def test_alerts_that_are_loaded_as_declared_and_a_dashboard_are_proven() -> None:
    proof, _ = prove()
    assert (proof.state, proof.value) == (State.PROVEN, "2 alerts are loaded as declared; the dashboard exists")


def test_prometheus_is_asked_for_alerting_rules_alone() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return LOADED

    with asking(answer) as prometheus:
        assert [each.name for each in prometheus.alerting_rules()] == ["HighErrorRate", "Slow", "OfSomebodyElse"]
    assert (asked[0].url.path, dict(asked[0].url.params)) == ("/api/v1/rules", {"type": "alert"})


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (rules(rule("Slow", SLOW)), "not loaded: HighErrorRate"),
        (rules(), "not loaded: HighErrorRate, Slow"),
        (
            rules(rule("HighErrorRate", ERRORS_LOADED.replace("0.001", "0.01")), rule("Slow", SLOW)),
            "loaded otherwise than declared: HighErrorRate",
        ),
        (
            rules(rule("HighErrorRate", ERRORS_LOADED, duration=300), rule("Slow", SLOW)),
            "loaded otherwise than declared: HighErrorRate",
        ),
        (
            rules(rule("HighErrorRate", ERRORS_LOADED, labels={"severity": "warning"}), rule("Slow", SLOW)),
            "loaded otherwise than declared: HighErrorRate",
        ),
        (
            rules(rule("HighErrorRate", ERRORS_LOADED), rule("Slow", SLOW, "err", "many-to-many matching")),
            "loaded, and cannot be evaluated: Slow",
        ),
    ],
)
def test_an_alert_that_does_not_watch_as_declared_is_missing(found: httpx.Response, value: str) -> None:
    proof, _ = prove(found)
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == value


ABSENT = rules(rule("Slow", SLOW))
NO_DASHBOARD = with_dashboard(httpx.Response(404, json={}))


@pytest.mark.parametrize(
    "changed", [ABSENT, rules(), rules(rule("HighErrorRate", ERRORS_LOADED, duration=300), rule("Slow", SLOW))]
)
def test_what_the_release_itself_brings_is_planned_and_lets_it_begin(changed: httpx.Response) -> None:
    proof, _ = prove(changed, server=NO_DASHBOARD, is_pending=lambda: True)
    assert (proof.state, proof.closes) == (State.PLANNED, "")
    assert "HighErrorRate" in proof.value
    assert "there is no ConfigMap dashboard" in proof.value


def test_what_cannot_come_with_the_release_holds_it_up_all_the_same() -> None:
    broken = rules(rule("Slow", SLOW, "err", "many-to-many matching"))
    for proof, state in (
        (prove(broken, is_pending=lambda: True)[0], State.MISSING),
        (prove(httpx.ConnectError("refused"), is_pending=lambda: True)[0], State.UNKNOWN),
        (prove(ABSENT, dashboard=None, is_pending=lambda: True)[0], State.MISSING),
        (
            prove(server=NO_DASHBOARD, is_pending=lambda: True, dashboard=replace(DASHBOARD, own=False))[0],
            State.MISSING,
        ),
    ):
        assert says_what_closes(proof, state)


def test_what_is_loaded_is_proven_whatever_comes() -> None:
    def nobody_asks() -> bool:
        raise AssertionError

    assert prove(is_pending=nobody_asks)[0].state is State.PROVEN


def test_whether_the_release_brings_it_may_be_unknown() -> None:
    server = with_dashboard()
    away_from_here = Kubernetes(fails=away)

    def is_pending() -> bool:
        return away_from_here.cluster_in(OTHER).config_map("record") is None

    proof, _ = prove(ABSENT, server=server, is_pending=is_pending)
    assert says_what_closes(proof, State.UNKNOWN)


def test_why_a_rule_cannot_be_evaluated_is_shown() -> None:
    found = rules(rule("HighErrorRate", ERRORS_LOADED), rule("Slow", SLOW, "err", "many-to-many matching"))
    assert prove(found)[0].seen == "Slow: many-to-many matching"


def test_a_rule_that_was_not_evaluated_yet_is_unknown() -> None:
    proof, _ = prove(rules(rule("HighErrorRate", ERRORS_LOADED, "unknown"), rule("Slow", SLOW)))
    assert says_what_closes(proof, State.UNKNOWN)
    assert proof.value == "not evaluated yet: HighErrorRate"


def test_the_alert_of_another_stack_may_have_the_same_name() -> None:
    other = rule("HighErrorRate", ERRORS_LOADED.replace("production", "staging"), "err", "broken")
    proof, _ = prove(rules(other, rule("HighErrorRate", ERRORS_LOADED), rule("Slow", SLOW)))
    assert proof.state is State.PROVEN


def test_alerts_of_one_name_have_to_be_loaded_each() -> None:
    softer = Declared("Slow", SLOW.replace("0.5", "0.3"), severity="warning")
    proof, _ = prove(declared=(*DECLARED, softer))
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "loaded otherwise than declared: Slow"
    loaded = rule("Slow", softer.expr, labels={"severity": "warning"})
    proof, _ = prove(rules(rule("HighErrorRate", ERRORS_LOADED), rule("Slow", SLOW), loaded), (*DECLARED, softer))
    assert (proof.state, proof.value) == (State.PROVEN, "3 alerts are loaded as declared; the dashboard exists")


def test_no_declared_alert_or_no_prometheus_is_missing() -> None:
    assert says_what_closes(prove(declared=())[0], State.MISSING)
    proof, _ = prove(None)
    assert says_what_closes(proof, State.MISSING)
    assert "prometheus.url" in proof.closes


@pytest.mark.parametrize("answer", [*DOWN, *NONSENSE, success({"groups": [{"rules": [{"name": "Slow"}]}]})])
def test_a_prometheus_without_a_usable_answer_leaves_it_unknown(answer: Failure) -> None:
    proof, _ = prove(answer)
    assert says_what_closes(proof, State.UNKNOWN)
    assert proof.value == "which rules are loaded is not known"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (httpx.Response(404, json={}), f"there is no ConfigMap dashboard in {OTHER}"),
        (config_map({}), "lacks the label grafana_dashboard"),
        (config_map(other='{"uid": "another"}'), "holds no dashboard with the UID release-manager"),
        (config_map(a="no json", b="[]", c='{"uid": 1}'), "holds no dashboard"),
    ],
)
def test_a_config_map_that_gives_grafana_no_dashboard_is_missing(found: Json | httpx.Response, why: str) -> None:
    proof, _ = prove(server=with_dashboard(found))
    assert says_what_closes(proof, State.MISSING)
    assert why in proof.value


def test_the_label_is_the_one_that_the_settings_name() -> None:
    other = replace(DASHBOARD, label="team_dashboard")
    proof, _ = prove(dashboard=other)
    assert says_what_closes(proof, State.MISSING)
    assert "lacks the label team_dashboard" in proof.value
    assert prove(server=with_dashboard(config_map({"team_dashboard": "1"})), dashboard=other)[0].state is State.PROVEN


def test_a_cluster_that_is_away_leaves_the_dashboard_unknown() -> None:
    assert says_what_closes(prove(server=Kubernetes(fails=away))[0], State.UNKNOWN)
    html = Kubernetes(fails=lambda _request: httpx.Response(200, text="<html>"))
    assert says_what_closes(prove(server=html)[0], State.UNKNOWN)


def in_grafana(answer: Failure) -> tuple[Proof, Web]:
    return prove(dashboard=IN_GRAFANA, grafana=answer)


def test_grafana_itself_is_asked_where_no_config_map_is_named() -> None:
    proof, web = in_grafana(httpx.Response(200, json={"dashboard": {"uid": "release-manager"}, "meta": {}}))
    assert proof.state is State.PROVEN
    assert str(web.requests[0].url) == "https://grafana.internal/api/dashboards/uid/release-manager"
    assert web.requests[0].headers["Authorization"] == "Bearer not-a-real-token"


def test_a_dashboard_that_grafana_does_not_have_is_missing() -> None:
    proof, _ = in_grafana(httpx.Response(404, json={"message": "Dashboard not found"}))
    assert says_what_closes(proof, State.MISSING)


@pytest.mark.parametrize("answer", [*DOWN, *NONSENSE, httpx.Response(200, json={"dashboard": {"uid": "another"}})])
def test_grafana_without_a_usable_answer_leaves_it_unknown(answer: Failure) -> None:
    assert says_what_closes(in_grafana(answer)[0], State.UNKNOWN)


@pytest.mark.parametrize("dashboard", [None, IN_GRAFANA])
def test_a_dashboard_that_nothing_says_where_to_find_is_missing(dashboard: Dashboard | None) -> None:
    proof, _ = prove(dashboard=dashboard)
    assert says_what_closes(proof, State.MISSING)
    assert "monitoring.dashboard.kept" in proof.closes


def test_what_is_wrong_is_told_with_what_is_not_known() -> None:
    proof, _ = prove(httpx.ConnectError("refused"), dashboard=None)
    assert says_what_closes(proof, State.MISSING)
    assert proof.value == "nothing says where the dashboard is kept; which rules are loaded is not known"


@pytest.mark.parametrize(
    ("declared", "loaded", "same"),
    [
        ("up == 1", "up   ==\n1", True),
        ("a / on (x) b", "a / on(x) b", True),
        ("rate(a[1m]) > 0.1", "rate(a[60s]) > 0.1", True),
        ("rate(a[1m]) > 0.1", "rate(a[1m]) >= 0.1", False),
        ('a{x="1"}', 'a{x="2"}', False),
        ("(a or b) and c", "a or b and c", False),
        # What the parser does not know is compared as text.
        ("new_function(a)  > 1", "new_function(a) > 1", True),
        ("new_function(a) > 1", "new_function(a) > 2", False),
        ("sum(", "sum(", True),
        ("up", "sum(", False),
    ],
)
def test_expressions_are_the_same_however_they_are_written(declared: str, loaded: str, same: bool) -> None:  # noqa: FBT001
    assert same_expression(declared, loaded) is same


def test_settings_name_a_dashboard_by_its_uid() -> None:
    wrong: dict[str, Any] = {"uid": "a/b"}
    with pytest.raises(ValueError, match="uid"):
        KeptDashboardSettings.model_validate(wrong)
