"""How the pods of a release replace those before."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from concerns.concern import Concern


class RolloutSettings(Concern):
    """How the pods of a release replace those before."""

    strategy: Literal["rolling"]
    replicas: int = Field(ge=1, le=100)
    timeout_seconds: int = Field(ge=10, le=3600)
    when_unknown: Literal["rollback", "hold"] = Field(description="What follows a step that ends without an answer.")
