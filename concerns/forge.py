"""The forge: where the code is reviewed and tested, and where its environments may be approved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field

from concerns.address import Address
from concerns.concern import Concern
from concerns.notify import OptionalToken

CheckName = Annotated[str, Field(min_length=1)]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\[bot\])?$")]


class ForgeChecks(Concern):
    """Names of the check runs that must have succeeded on the commit, as the forge shows them."""

    unit: tuple[CheckName, ...] = Field(default=("unit",), min_length=1, description="Those of the unit tests.")
    integration: tuple[CheckName, ...] = Field(
        default=("integration",), min_length=1, description="Those of the integration tests."
    )
    e2e: tuple[CheckName, ...] = Field(default=("e2e",), min_length=1, description="Those of the tests end to end.")


class ForgeSettings(Concern):
    """A repository of the forge, which is asked for check runs, reviews and, with `environment`, for approvals."""

    kind: Literal["github"] = Field(default="github", description="Whose API it speaks.")
    api: Address = Field(
        default=AnyHttpUrl("https://api.github.com"), description="GitHub Enterprise: https://<host>/api/v3."
    )
    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", description="As owner/name.")
    token: OptionalToken = Field(
        default=None,
        description="A Pulumi secret; may read contents, checks, pull requests and, with `environment`, actions."
        " A public repository needs none, but allows few requests an hour then.",
    )
    checks: ForgeChecks = ForgeChecks()
    environment: str | None = Field(
        default=None,
        min_length=1,
        description="Environment of the forge whose approval counts as that of the release manager.",
    )
    workflow: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_.-]+\.ya?ml$",
        description="File name of the workflow that waits for that approval; without it the runs of all are looked at.",
    )
    approvers: tuple[Login, ...] = Field(
        default=(), description="Logins of who may approve; without them approval.approvers."
    )
