"""Every expression is PromQL, and asks for series that the running application, or somebody who is named, gives."""

from __future__ import annotations

import pytest
from promql_parser import parse

from monitoring.panels import metric_panels
from monitoring.prometheus_rule import groups
from monitoring.rule import Alert, Recording
from monitoring.subject import Watched
from tests.app.running_app import running_app
from tests.monitoring.expressions import asked, given, nobody_gives
from tests.monitoring.watched import watched

REAL = 'rate(release_manager_errors_total{namespace="staging", type="database"}[5m])'


@pytest.fixture
async def application() -> dict[str, list[dict[str, str]]]:
    """Return the series that the application gives before its first request."""
    async with running_app() as running:
        return given((await running.client.get("/metrics")).text)


def rules(of: Watched) -> dict[str, str]:
    found = [rule for group in groups(of) for rule in group.rules]
    return {f"{rule.name} {number}": rule.expr for number, rule in enumerate(found)}


def panels(of: Watched) -> dict[str, str]:
    return {
        f"{panel.title} {number}": query.expr
        for panel in metric_panels(of)
        for number, query in enumerate(panel.queries)
    }


def recorded(of: Watched) -> frozenset[str]:
    return frozenset(rule.name for group in groups(of) for rule in group.rules if isinstance(rule, Recording))


EXPRESSIONS = {**rules(watched()), **panels(watched())}


@pytest.mark.parametrize("name", list(EXPRESSIONS))
def test_an_expression_can_be_read(name: str) -> None:
    parse(EXPRESSIONS[name])


async def test_all_that_is_asked_for_is_given(application: dict[str, list[dict[str, str]]]) -> None:
    found = list(nobody_gives(EXPRESSIONS.values(), application, recorded(watched())))
    assert found == []


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (REAL.replace("errors", "erors"), "release_manager_erors_total"),
        (REAL.replace("_total", ""), "release_manager_errors"),
        (REAL.replace("database", "databse"), "release_manager_errors_total"),
        (REAL.replace("type", "kind"), "release_manager_errors_total"),
        ('release_manager_request_duration_seconds_bucket{le=~"0[.]4"}', "release_manager_request_duration_seconds"),
        ("release_manager:error_ratio:rate5min", "release_manager:error_ratio:rate5min"),
        ('kube_job_status_failed{jobname="x"}', "kube_job_status_failed: no label jobname"),
        ("kube_job_failed", "kube_job_failed"),
    ],
)
async def test_a_misspelt_metric_or_an_absent_series_is_found(
    application: dict[str, list[dict[str, str]]], wrong: str, what: str
) -> None:
    assert list(nobody_gives([REAL], application, recorded(watched()))) == []
    [found] = nobody_gives([wrong], application, recorded(watched()))
    assert found.startswith(what)


async def test_limits_without_a_bucket_of_their_own_are_found(application: dict[str, list[dict[str, str]]]) -> None:
    """Beyond 0.3 s the application counts nothing, so an alert on it could never fire."""
    of = watched(analysis__slow_seconds=0.3)
    assert list(nobody_gives(rules(of).values(), application, recorded(of)))


def test_an_alert_reads_only_what_is_recorded_before_it() -> None:
    known: set[str] = set()
    for group in groups(watched()):
        for rule in group.rules:
            if isinstance(rule, Recording):
                known.add(rule.name)
            elif isinstance(rule, Alert):
                assert {each.metric for each in asked(rule.expr) if ":" in each.metric} <= known


def test_stacks_do_not_see_each_other() -> None:
    """One Prometheus may watch them all."""
    for name, expr in EXPRESSIONS.items():
        for each in asked(expr):
            assert ("namespace", "Equal", "staging") in each.matchers, name
