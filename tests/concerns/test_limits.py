"""Each limit of the guide stands once, and whoever needs it reads it there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from concerns.limits import Limits, limits_of
from monitoring.dashboard import dashboard_json
from monitoring.panels import metric_panels
from monitoring.prometheus_rule import alerts, rule_file
from monitoring.reference import limits_table
from monitoring.subject import Watched
from tests.monitoring.watched import monitoring_of, watched
from tests.stack_values import CANARY

ROOT = Path(__file__).resolve().parents[2]
# What the guide says, written down a second time on purpose: a changed default is seen here.
GUIDE = Limits(
    error_percent=0.1,
    slow_seconds=0.5,
    slow_percent=1,
    database_connections_percent=80,
    memory_percent=70,
    cache_hit_percent=85,
    query_seconds=0.1,
    query_slow_percent=1,
    availability_percent=99.9,
    restarts=2,
    backup_hours=26,
)
# Which limits are lines of the dashboard; of a budget and of a backup's age there is no picture.
DRAWN = {field.name for field in dataclasses.fields(Limits)} - {"availability_percent", "backup_hours"}


def test_a_stack_without_numbers_of_its_own_has_those_of_the_guide() -> None:
    assert limits_of(None, monitoring_of()) == dataclasses.replace(GUIDE, backup_hours=None)


def test_a_stack_with_a_canary_has_the_numbers_that_the_canary_is_judged_by() -> None:
    analysis = {**CANARY["analysis"], "error_percent": 0.3, "memory_percent": 60}
    found = watched(monitoring_of(cache_hit_percent=90), analysis=analysis).limits
    changed = {"error_percent": 0.3, "memory_percent": 60, "cache_hit_percent": 90, "availability_percent": 99.7}
    assert found == dataclasses.replace(GUIDE, **changed)  # type: ignore[arg-type]


def test_the_objective_may_be_stricter_than_the_limit() -> None:
    assert limits_of(None, monitoring_of(availability_percent=99.95)).error_budget == 0.0005


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(Limits)])
@pytest.mark.parametrize("write", [rule_file, dashboard_json], ids=["rules", "dashboard"])
def test_a_limit_that_is_changed_is_changed_everywhere(field: str, write: Callable[[Watched], str]) -> None:
    if write is dashboard_json and field not in DRAWN:
        return
    of = watched()
    values = {**dataclasses.asdict(of.limits), field: getattr(of.limits, field) * 2 if field == "restarts" else 33}
    changed = dataclasses.replace(of, limits=Limits(**values))
    assert write(changed) != write(of), f"nothing reads {field}"


def test_the_dashboard_draws_the_limits_as_lines() -> None:
    lines = {panel.title: (panel.limit, panel.above) for panel in metric_panels(watched()) if panel.limit is not None}
    assert lines == {
        "Errors": (0.001, False),
        "Latency": (0.5, False),
        "p99 of stable and canary": (0.5, False),
        "Slow requests": (0.01, False),
        "Memory": (0.7, False),
        "Restarts": (2, False),
        "Database connections": (0.8, False),
        "p99 of the queries": (0.1, False),
        "Cache hits": (0.85, True),
    }


def test_what_is_watched_is_the_same_for_every_version() -> None:
    """A rollback has nothing to take back, as nothing here is told the version."""
    text = json.dumps([rule_file(watched()), dashboard_json(watched())])
    again = json.dumps([rule_file(watched()), dashboard_json(watched())])
    assert text == again
    assert "abc1234" not in text


def test_the_document_says_what_is_watched() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert limits_table(GUIDE) in text, f"docs/monitoring.md is to have this table:\n{limits_table(GUIDE)}"


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(Limits)])
def test_the_document_shows_every_limit(field: str) -> None:
    assert limits_table(dataclasses.replace(GUIDE, **{field: 33})) != limits_table(GUIDE)


def test_the_document_names_every_alert() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert [each.name for each in alerts(watched()) if each.name.removeprefix("ReleaseManager") not in text] == []
