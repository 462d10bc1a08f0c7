"""What is written down about one verification: the content of verification.json."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from checks.verdict import Verdict
from cluster.release import Release
from cluster.verification.steps import StepEnd

NOT_TAKEN: Literal["NOT_TAKEN"] = "NOT_TAKEN"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepRecord(_Part):
    """One step. `verdict` is NOT_TAKEN where a step before it did not pass. Times are UTC, durations are seconds."""

    name: str
    verdict: Literal["PASS", "FAIL", "NO_DATA", "TOO_FEW", "UNREACHABLE", "NOT_TAKEN"]
    reason: str = ""
    numbers: dict[str, float | str] = {}
    query: str = ""
    details: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None
    seconds: float | None = None


class LineRecord(_Part):
    """One line of a chart: moments (Unix seconds, or seconds since its gate began) with their values."""

    name: str
    points: tuple[tuple[float, float], ...]


class ChartRecord(_Part):
    """One metric over time. `clock` tells whether its moments are Unix seconds or count from the gate's beginning."""

    title: str
    unit: str
    limit: float | None = None
    clock: Literal["unix", "gate"] = "unix"
    lines: tuple[LineRecord, ...] = ()
    queries: tuple[str, ...] = ()
    problem: str = ""


class PhaseRecord(_Part):
    """A part of the release that the charts show: a step of the canary, or the verification."""

    name: str
    began: datetime
    ended: datetime


class VerificationRecord(_Part):
    """One verification, from its first step to its end."""

    format: Literal[1] = 1
    stack: str
    namespace: str
    deployment: str
    release: Release
    outcome: Literal["verified", "failed", "held"]
    text: str
    began: datetime
    ended: datetime
    seconds: float
    steps: tuple[StepRecord, ...]
    release_began: datetime | None = None
    phases: tuple[PhaseRecord, ...] = ()
    charts: tuple[ChartRecord, ...] = ()


def step_record(step: StepEnd) -> StepRecord:
    """Return what is written down about a step that was taken."""
    verdict: Verdict = step.verdict
    return StepRecord.model_validate(
        {
            "name": step.name,
            "verdict": str(verdict.kind),
            "reason": verdict.reason,
            "numbers": dict(verdict.numbers),
            "query": verdict.query,
            "details": verdict.details,
            "output": verdict.output,
            "began": step.began,
            "ended": step.ended,
            "seconds": round(step.seconds, 3),
        }
    )
