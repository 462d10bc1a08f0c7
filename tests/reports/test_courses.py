"""The charts show what Prometheus and the gates saw; what nobody saw is named, and a silent Prometheus asked once."""

from __future__ import annotations

import httpx

from cluster.history.history import Attempt
from cluster.names import Names
from reports.courses import POINTS, ChartLimits, charts_of_gates, charts_over_time, phases_of
from reports.record import ChartRecord
from tests.checks.fake_prometheus import asking, success
from tests.reports.sample import NOW, attempt

NAMES = Names("release-manager-prod", "release-manager")
LIMITS = ChartLimits(1000.0, 0.1, 500, 80, 70)


class Answers:
    """Answers range queries of stable with two points, and those of the canary with none."""

    def __init__(self) -> None:
        self.asked: list[httpx.QueryParams] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.params)
        known = "-canary-" not in request.url.params["query"]
        values = [[1000, "0.5"], [1010, "NaN"], [1020, "0.7"]]
        result = [{"metric": {}, "values": values}] if known else []
        return success({"resultType": "matrix", "result": result})


def charts(answers: Answers) -> tuple[ChartRecord, ...]:
    return charts_over_time(asking(answers), "production", NAMES, LIMITS, start=1000, end=2200)


def test_each_metric_is_asked_for_stable_and_canary_over_the_whole_time() -> None:
    answers = Answers()
    found = charts(answers)
    assert [(each.title, each.limit) for each in found] == [
        ("requests", None),
        ("errors", 0.1),
        ("p99", 500),
        ("database connections", 80),
        ("memory", 70),
    ]
    assert len(answers.asked) == 10
    assert {(each["start"], each["end"], each["step"]) for each in answers.asked} == {
        ("1000.000", "2200.000", f"{1200 / POINTS:g}")
    }
    assert all('namespace="production"' in each["query"] for each in answers.asked)


def test_what_is_no_number_is_a_gap_and_a_version_without_data_has_no_line() -> None:
    [line] = charts(Answers())[0].lines
    assert (line.name, line.points) == ("stable", ((1000.0, 0.5), (1020.0, 0.7)))


def test_a_silent_prometheus_is_asked_once_and_named_in_every_chart() -> None:
    asked: list[httpx.Request] = []

    def silent(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("refused")

    found = charts_over_time(asking(silent), "production", NAMES, LIMITS, start=0, end=100)
    assert len(asked) == 1
    assert all("gives no answer: refused" in each.problem for each in found)
    assert not any(each.lines for each in found)


def test_a_gate_shows_the_share_of_errors_since_it_began() -> None:
    [found] = charts_of_gates(attempt(), 0.1)
    assert (found.title, found.clock, found.limit) == ("errors at step 10 %", "gate", 0.1)
    stable, canary = found.lines
    assert (stable.name, stable.points) == ("stable", ((1.0, 0.0), (2.0, 0.0)))
    assert (canary.name, canary.points) == ("canary", ((1.0, 10.0), (2.0, 10.0)))


def test_the_phases_are_the_steps_that_measured_with_their_times() -> None:
    [phase] = phases_of(attempt())
    assert (phase.name, (NOW - phase.began).total_seconds(), (NOW - phase.ended).total_seconds()) == ("10 %", 40, 20)


def test_a_damaged_sample_is_left_out() -> None:
    whole = attempt()
    gate = whole.entries[1]
    samples = [*gate.facts["samples"], "nonsense", {"at": None, "canary_requests": "x"}]
    entry = type(gate)(gate.at, gate.kind, {**gate.facts, "samples": samples})
    damaged = Attempt(7, (whole.entries[0], entry))
    assert charts_of_gates(damaged, 0.1) == charts_of_gates(whole, 0.1)
