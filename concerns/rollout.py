"""How the pods of a release replace those before."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from concerns.concern import Concern


class RolloutSettings(Concern):
    """How the pods of a release replace those before."""

    strategy: Literal["rolling", "canary"]
    steps: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(), description="Shares of the pods, in percent, that a canary goes through; the last is 100."
    )
    replicas: int = Field(ge=1, le=100)
    max_surge: int = Field(ge=0, le=100, description="Pods that may run above `replicas` while they are replaced.")
    max_unavailable: int = Field(ge=0, le=99, description="Pods that may be missing while they are replaced.")
    timeout_seconds: int = Field(ge=10, le=3600, description="Within it all pods must run the release.")
    when_unknown: Literal["rollback", "hold"] = Field(description="What follows a step that ends without an answer.")

    @field_validator("steps")
    @classmethod
    def _go_up_to_all(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if value and (value[-1] != 100 or any(later <= earlier for earlier, later in pairwise(value))):
            message = "must go up, and end with 100"
            raise ValueError(message)
        return value
