"""Who lets a release go on, and when it may begin."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from concerns.concern import Concern
from concerns.window import WindowSettings


class ApprovalSettings(Concern):
    """Whether somebody must approve a release, who may, and the maintenance window in which it may begin."""

    required: bool = Field(description="No release begins before one of the approvers has approved it.")
    approvers: tuple[Annotated[str, Field(pattern=r"^\S(.*\S)?$")], ...] = Field(
        default=(), description="Names, as given to: make approve BY=<name>."
    )
    window: WindowSettings | None = Field(default=None, description="Without it a release may begin at any time.")

    @field_validator("approvers")
    @classmethod
    def _names_each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            message = "must name everybody once"
            raise ValueError(message)
        return value
