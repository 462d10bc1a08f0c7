"""Every alert fires when it has to and is quiet when it has to be, by Prometheus' own evaluation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from concerns.limits import Limits
from monitoring.prometheus_rule import alerts
from tests.monitoring.watched import monitoring_of, watched
from tests.monitoring_rules import budget_cases, limit_cases, state_cases
from tests.monitoring_rules.promtool import ask, rules, run

pytestmark = pytest.mark.e2e
CASES = (*limit_cases.CASES, *budget_cases.CASES, *state_cases.CASES)
# Hours go by in these cases.
EVERY = {budget_cases.ALERT: "5m"}
# By which alert a limit is kept; the mutants are a fifth more and a fifth less of it.
KEPT_BY = {
    "error_percent": limit_cases.ERRORS,
    "slow_seconds": limit_cases.LATENCY,
    "slow_percent": limit_cases.LATENCY,
    "database_connections_percent": limit_cases.CONNECTIONS,
    "memory_percent": limit_cases.MEMORY,
    "cache_hit_percent": limit_cases.CACHE,
    "query_seconds": limit_cases.QUERIES,
    "query_slow_percent": limit_cases.QUERIES,
    "availability_percent": budget_cases.ALERT,
    "restarts": limit_cases.RESTARTS,
    "backup_hours": limit_cases.BACKUP,
}
MUTANTS = [
    (field, factor) for field in KEPT_BY if field not in {"availability_percent", "restarts"} for factor in (0.8, 1.2)
]


@pytest.mark.parametrize("form", ["with everything", "with nothing that is optional"])
def test_promtool_finds_nothing_wrong_with_the_rules(tmp_path: Path, form: str) -> None:
    bare = monitoring_of(receivers=None, kube_state_metrics=False)
    of = watched() if form == "with everything" else watched(bare)
    found = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", rules(tmp_path, of), directory=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("alert", sorted({each.name for each in alerts(watched())}))
def test_an_alert_fires_and_is_quiet_as_it_has_to(tmp_path: Path, alert: str) -> None:
    cases = [each for each in CASES if each.alert == alert]
    assert [each for each in cases if each.fires], f"no case shows that {alert} fires"
    # The dead man's switch is quiet only where Prometheus is.
    assert alert == state_cases.WATCHDOG or [each for each in cases if not each.fires], f"no quiet case of {alert}"
    found = ask(tmp_path, watched(), [each.document(watched()) for each in cases], every=EVERY.get(alert, "1m"))
    assert found.returncode == 0, found.stdout + found.stderr


def test_no_case_is_of_an_alert_that_there_is_not() -> None:
    assert {each.alert for each in CASES} == {each.name for each in alerts(watched())}


def test_every_limit_is_kept_by_an_alert_that_has_cases() -> None:
    of = watched()
    assert set(KEPT_BY) == {field.name for field in dataclasses.fields(of.limits)}


@pytest.mark.parametrize(("field", "factor"), [*MUTANTS, ("restarts", 0.5), ("restarts", 1.5)])
def test_a_limit_that_was_changed_is_caught(tmp_path: Path, field: str, factor: float) -> None:
    value = getattr(watched().limits, field) * factor
    assert_caught(tmp_path, field, int(value) if field == "restarts" else value)


@pytest.mark.parametrize("percent", [99.88, 99.92])
def test_an_objective_that_was_changed_is_caught(tmp_path: Path, percent: float) -> None:
    assert_caught(tmp_path, "availability_percent", percent)


def test_the_guides_own_query_is_answered(tmp_path: Path) -> None:
    """`rate(errors_total[5m])`, as the guide has it, is the rate of the application's own counter."""
    expected = {"expr": "60 * sum(rate(errors_total[5m]))", "eval_time": "20m", "exp_samples": [{"value": 6}]}
    question = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in limit_cases.answered(6)],
        "promql_expr_test": [expected],
    }
    found = ask(tmp_path, watched(), [question])
    assert found.returncode == 0, found.stdout + found.stderr


def assert_caught(directory: Path, field: str, value: float) -> None:
    """The cases of the alert that keeps the limit fail, by what fires alone: no text is looked at."""
    of = watched()
    mutant = dataclasses.replace(of, limits=Limits(**{**dataclasses.asdict(of.limits), field: value}))
    questions = [each.firing_only() for each in CASES if each.alert == KEPT_BY[field]]
    every = EVERY.get(KEPT_BY[field], "1m")
    right, wrong = (ask(directory, each, questions, every=every) for each in (of, mutant))
    assert right.returncode == 0, right.stdout + right.stderr
    assert wrong.returncode == 1, f"{field} {value} is taken for {getattr(of.limits, field)}"
