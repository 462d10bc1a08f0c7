"""Who lets a release go on."""

from __future__ import annotations

from pydantic import Field

from concerns.concern import Concern


class ApprovalSettings(Concern):
    """Whether somebody must approve a release, and who may."""

    required: bool
    approvers: tuple[str, ...] = Field(default=(), description="Names, as given to: make approve BY=<name>.")
