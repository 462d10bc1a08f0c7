"""What makes a commit a release."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pydantic import Field, field_validator

from concerns.concern import Concern

# A tag is also the version: the value of a label.
TAG = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
BRANCH = r"^[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]$"
_TWO_MOMENTS = (datetime(2031, 12, 28, 23, 59, 58, tzinfo=UTC), datetime(2032, 1, 3, 4, 5, 6, tzinfo=UTC))


class ReleaseSettings(Concern):
    """What git must say of the commit before it is released."""

    tag: str | None = Field(
        default=None,
        description="Form (strftime) of the annotated tag that must stand on the commit and is its version. "
        "Without it the version is the image tag.",
    )
    branch: str | None = Field(default=None, description="Form (strftime) of the branch that the tag must lie on.")
    pushed: bool = Field(default=False, description="Refuse a work tree that is dirty or whose commit is not pushed.")

    @field_validator("tag")
    @classmethod
    def _makes_tags(cls, value: str | None) -> str | None:
        return value if value is None else _form(value, TAG, "v%Y.%m.%d")

    @field_validator("branch")
    @classmethod
    def _makes_branches(cls, value: str | None) -> str | None:
        return value if value is None else _form(value, BRANCH, "release/v%Y.%m.%d")


def _form(value: str, allowed: str, example: str) -> str:
    made = [moment.strftime(value) for moment in _TWO_MOMENTS]
    if made[0] == made[1]:
        message = f"must name the day, as {example} does"
        raise ValueError(message)
    if not all(re.fullmatch(allowed, text) for text in made):
        message = f"must make a name of letters, digits, '.', '_' and '-', as {example} does"
        raise ValueError(message)
    try:
        read = [datetime.strptime(text, value).replace(tzinfo=UTC) for text in made]
    except (ValueError, re.error):
        read = []
    if [moment.date() for moment in read] != [moment.date() for moment in _TWO_MOMENTS]:
        message = f"must name year, month and day so that they can be read again, as {example} does"
        raise ValueError(message)
    return value
