"""Who lets a release go on, in which way, and when it may begin."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from concerns.concern import Concern
from concerns.window import WindowSettings

Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]


class SignedApprovalSettings(Concern):
    """Approvals that are files, each signed with the SSH key of its approver."""

    allowed_signers: str = Field(
        min_length=1,
        description="File of allowed signers (man ssh-keygen), absolute or from the root of the project.",
    )
    directory: str = Field(
        default="approvals",
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        description="Where the files are: in the project, or from the root of the checkout on the main branch.",
    )


class ApprovalSettings(Concern):
    """Whether somebody must approve a release, who may and how, and the maintenance window in which it may begin.

    Beside the ways here, an environment of the forge approves where checklist.forge.environment names one.
    """

    required: bool = Field(description="No release begins before one of the approvers has approved it.")
    approvers: tuple[Name, ...] = Field(default=(), description="Names, as given to: make approve BY=<name>.")
    identities: dict[str, tuple[Name, ...]] = Field(
        default_factory=dict,
        description="What approvers are called elsewhere: names and mail addresses in git, logins, signers.",
    )
    recorded: bool = Field(default=True, description="What make approve records in the cluster approves a release.")
    signed: SignedApprovalSettings | None = None
    window: WindowSettings | None = Field(default=None, description="Without it a release may begin at any time.")

    @field_validator("approvers")
    @classmethod
    def _names_each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            message = "must name everybody once"
            raise ValueError(message)
        return value

    @field_validator("identities")
    @classmethod
    def _of_one_approver_each(
        cls, value: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        approvers = info.data.get("approvers", ())
        if unknown := [name for name in value if name not in approvers]:
            message = f"must be those of approvers, and {', '.join(unknown)} is none"
            raise ValueError(message)
        named = [each.casefold() for names in value.values() for each in names]
        if len(set(named)) < len(named):
            message = "must not be those of two approvers"
            raise ValueError(message)
        return value

    def called(self, approver: str) -> tuple[str, ...]:
        """Return all names of an approver, the one in `approvers` first."""
        return (approver, *self.identities.get(approver, ()))

    def approver(self, name: str) -> str:
        """Return the approver whom a name from elsewhere belongs to; nothing where it is none's."""
        wanted = name.casefold()
        found = (each for each in self.approvers if wanted in {one.casefold() for one in self.called(each)})
        return next(found, "") if wanted else ""
