"""What makes a release bad on purpose, so that taking it back can be rehearsed."""

from __future__ import annotations

from pydantic import Field

from concerns.concern import Concern


class FaultSettings(Concern):
    """The fault of the release that `make drill` puts on this stack; never laid over a release that is meant.

    Only who knows the application knows how to break it: what stands here must fail the verification.
    """

    environment: dict[str, str] = Field(
        min_length=1, description="Laid over application.environment, such as a switch that makes requests fail."
    )
    timeout_seconds: int = Field(
        default=1800, ge=60, le=7200, description="For the whole update, with its rollback, after which it is ended."
    )
