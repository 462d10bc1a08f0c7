"""How the pods of a release replace those before."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from concerns.concern import Concern


class AutoscalingSettings(Concern):
    """The HorizontalPodAutoscaler of stable; the canary follows what it decides."""

    minimum: int = Field(ge=1, le=1000, description="Fewest pods of stable.")
    maximum: int = Field(ge=1, le=1000, description="Most pods of stable.")
    cpu_percent: int = Field(ge=1, le=1000, description="Share of the CPU request that the pods are to use on average.")


class RolloutSettings(Concern):
    """How the pods of a release replace those before."""

    strategy: Literal["rolling", "canary"] = Field(
        description="rolling: pod by pod, then verified. canary: in `steps`, each of them judged before the next."
    )
    steps: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(), description="Shares of the pods, in percent, that a canary goes through; the last is 100."
    )
    replicas: int = Field(ge=1, le=100, description="Pods of stable between releases.")
    capacity: Literal["surge", "fixed"] = Field(
        default="surge",
        description="surge: the canary stands on top of a whole stable. fixed: the total stays, for clusters without"
        " room; a rollback then first has to start as many stable pods as the canary took.",
    )
    share_tolerance_percent: float = Field(
        default=0.5, ge=0, le=10, description="Percentage points by which the pods may miss a step's share."
    )
    autoscaling: AutoscalingSettings | None = None
    max_surge: int = Field(ge=0, le=100, description="Pods that may run above `replicas` while they are replaced.")
    max_unavailable: int = Field(ge=0, le=99, description="Pods that may be missing while they are replaced.")
    timeout_seconds: int = Field(ge=10, le=3600, description="Within it all pods must run the release.")
    when_unknown: Literal["rollback", "hold"] = Field(description="What follows a step that ends without an answer.")
    automatic: bool = Field(
        default=True, description="false: what fails is held for a person to look at, and nothing is taken back."
    )
    least_serving_percent: int = Field(
        default=50,
        ge=0,
        le=100,
        description="Pods, as a share of `replicas`, that a rollback keeps in the Service however bad they are, until"
        " others are ready.",
    )

    @field_validator("steps")
    @classmethod
    def _go_up_to_all(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if value and (value[-1] != 100 or any(later <= earlier for earlier, later in pairwise(value))):
            message = "must go up, and end with 100"
            raise ValueError(message)
        return value
