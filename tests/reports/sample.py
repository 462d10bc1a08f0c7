"""A verification that is written down: every kind of step, and a canary before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.history.entry import Entry
from cluster.history.history import Attempt
from cluster.release import Release
from reports.record import ChartRecord, LineRecord, PhaseRecord, StepRecord, VerificationRecord

NOW = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
RELEASE = Release(version="v2024.05.14", image="r@sha256:1", configuration="c0ffee", revision="abc")


def step(name: str, verdict: str, **fields: Any) -> StepRecord:
    taken = {"began": NOW, "ended": NOW + timedelta(seconds=2), "seconds": 2.0}
    return StepRecord.model_validate(
        {"name": name, "verdict": verdict, **({} if verdict == "NOT_TAKEN" else taken), **fields}
    )


def record(**fields: Any) -> VerificationRecord:
    """Return a release that failed in its smoke tests."""
    first = NOW.timestamp()
    chart = ChartRecord(
        title="errors",
        unit="% of the requests",
        limit=0.1,
        lines=(LineRecord(name="stable", points=((first - 60, 0.0), (first - 30, 0.05), (first, 0.0))),),
    )
    values: dict[str, Any] = {
        "stack": "prod",
        "namespace": "production",
        "deployment": "release-manager-prod",
        "release": RELEASE,
        "outcome": "failed",
        "text": "release v2024.05.14 was taken back in production: step smoke tests ended with FAIL",
        "began": NOW,
        "ended": NOW + timedelta(seconds=9),
        "seconds": 9.0,
        "steps": (
            step("pods", "PASS", reason="9 of 9 pods are ready", numbers={"wanted": 9}, query="Deployment x"),
            step("smoke tests", "FAIL", reason="ended with status 1", output=("FAIL /metrics",)),
            step("key metrics", "NOT_TAKEN"),
        ),
        "release_began": NOW - timedelta(seconds=60),
        "phases": (PhaseRecord(name="10 %", began=NOW - timedelta(seconds=40), ended=NOW - timedelta(seconds=20)),),
        "charts": (chart,),
    }
    return VerificationRecord.model_validate({**values, **fields})


def attempt(**fields: Any) -> Attempt:
    """Return the record of a release whose canary went through one step."""
    samples = [
        {
            "at": 500.0 + second,
            "canary_requests": 10 * second,
            "canary_errors": second,
            "stable_requests": 100 * second,
            "stable_errors": 0,
            "verdict": "TOO_FEW",
        }
        for second in range(3)
    ]
    gate = {"step": "10 %", "verdict": "PASS", "seconds": 20.0, "samples": samples}
    started = {**RELEASE.model_dump(), "identity": RELEASE.identity, **fields}
    return Attempt(
        7,
        (
            Entry(NOW - timedelta(seconds=60), "started", started),
            Entry(NOW - timedelta(seconds=20), "gate", gate),
            Entry(NOW, "gate", {"step": "pods", "verdict": "PASS", "seconds": 1.0}),
        ),
    )
