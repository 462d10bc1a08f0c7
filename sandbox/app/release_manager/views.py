"""What the API takes and shows."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# PostgreSQL cannot store the character NUL, and a person's name has to be more than blanks.
Person = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Version = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Notes = Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00]*$")]


class NewRelease(BaseModel):
    """What is sent to create a release."""

    model_config = ConfigDict(extra="forbid")
    version: Version
    notes: Notes = ""


class Approval(BaseModel):
    """What is sent to approve a release."""

    model_config = ConfigDict(extra="forbid")
    approver: Person


class ReleaseView(BaseModel):
    """A release as the API shows it."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    version: str
    notes: str
    status: Literal["pending", "approved"]
    approved_by: str | None
    approved_at: datetime | None
    created_at: datetime


class ReleaseList(BaseModel):
    """The newest releases first."""

    releases: list[ReleaseView]
