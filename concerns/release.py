"""What makes a commit a release."""

from __future__ import annotations

from pydantic import Field

from concerns.concern import Concern


class ReleaseSettings(Concern):
    """What git must say of the commit before it is released."""

    tag: str | None = Field(
        default=None,
        description="Form (strftime) of the annotated tag that must stand on the commit and is its version. "
        "Without it the version is the image tag.",
    )
    branch: str | None = Field(default=None, description="Form (strftime) of the branch that the tag must lie on.")
    pushed: bool = Field(default=False, description="Refuse a work tree that is dirty or whose commit is not pushed.")
