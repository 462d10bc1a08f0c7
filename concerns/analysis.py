"""By which numbers a canary is judged. Each limit stands here and nowhere else."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AnyHttpUrl, Field, field_validator

from concerns.concern import Concern

Percent = Annotated[float, Field(gt=0, lt=100)]


class PrometheusSettings(Concern):
    """Where Prometheus answers."""

    url: AnyHttpUrl = Field(description="Root of its API, without /api/v1.")
    timeout_seconds: float = Field(default=5, ge=0.1, le=60, description="For one whole answer.")


class AnalysisSettings(Concern):
    """By which numbers a canary is judged, and how sure the judgement has to be."""

    error_percent: Percent = Field(description="Limit: share of the requests that may end with an error.")
    slow_seconds: float = Field(gt=0, le=60, description="Longer is slow; a bucket of the histogram ends there.")
    slow_percent: Percent = Field(description="Limit: share of the requests that may be slow; 1 makes it the p99.")
    rule_out_error_percent: tuple[Percent, ...] = Field(
        description="For each step the share of errors that it must rule out before it promotes."
    )
    rule_out_slow_percent: tuple[Percent, ...] = Field(
        description="For each step the share of slow requests that it must rule out before it promotes."
    )
    slower_margin_percent: Percent = Field(
        default=10, description="Percentage points by which more requests than stable's may be slower than usual."
    )
    false_abort_percent: Percent = Field(
        default=1, description="Chance that a step aborts a good canary, however often it looks."
    )
    promote_doubt_percent: Percent = Field(
        default=5, description="Chance that a step promotes although the share to rule out is the true one."
    )
    look_seconds: float = Field(default=0.5, ge=0.1, le=60, description="From one look at the pods to the next.")
    warm_up_seconds: float = Field(
        default=5, ge=0, le=600, description="From when all pods of a step are ready; latency is not judged before."
    )
    minimum_seconds: float = Field(ge=0, le=3600, description="A step measures at least so long.")
    maximum_seconds: float = Field(ge=1, le=3600, description="A step that does not know by then does not promote.")
    database_connections_percent: Percent = Field(description="Limit: connections in use, of the pool of a pod.")
    memory_percent: Percent = Field(description="Limit: memory in use, of what a pod is allocated.")

    @field_validator("rule_out_error_percent", "rule_out_slow_percent")
    @classmethod
    def _gets_finer(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(later > earlier for earlier, later in pairwise(value)):
            message = "must not grow from step to step: later steps hurt more users, and must rule out more"
            raise ValueError(message)
        return value
