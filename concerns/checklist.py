"""The pre-deployment checklist of an environment: what it requires, where proof lies, and what is waived."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from concerns.checklist_sources import ChecklistSources
from concerns.concern import Concern
from concerns.forge import ForgeSettings
from concerns.release import TAG

ItemName = Literal[
    "merged",
    "tests",
    "review",
    "markers",
    "tag",
    "plan",
    "notes",
    "migration",
    "architecture",
    "approval",
    "window",
    "announcement",
    "on-call",
    "response-team",
    "environment",
    "backup",
    "monitoring",
    "logs",
    "rollback",
]
ITEM_NAMES: tuple[ItemName, ...] = get_args(ItemName)
# What happens between people, where no system may know of it.
BETWEEN_PEOPLE: tuple[ItemName, ...] = ("architecture", "announcement", "on-call", "response-team")
_TO_BE_FILLED_IN = re.compile(r"\s*(<[^<>]*>)?\s*")


def _filled_in(value: str) -> str:
    if _TO_BE_FILLED_IN.fullmatch(value):
        message = "must be filled in: neither empty nor in angle brackets"
        raise ValueError(message)
    return value


def _written_out(value: object) -> object:
    if value == "all":
        return ITEM_NAMES
    return tuple(value) if isinstance(value, list) else value


def _relative(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        message = "must be a path below the root of the checkout"
        raise ValueError(message)
    return value.rstrip("/")


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        message = f"must be a regular expression ({error})"
        raise ValueError(message) from None
    return value


FilledIn = Annotated[str, AfterValidator(_filled_in)]
RelativePath = Annotated[str, Field(min_length=1), AfterValidator(_relative)]
Expression = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
Items = Annotated[
    tuple[ItemName, ...],
    BeforeValidator(_written_out, json_schema_input_type=Literal["all"] | tuple[ItemName, ...]),
]
Reason = Annotated[FilledIn, Field(description="Why that harms nothing, or less than to wait.")]
Person = Annotated[FilledIn, Field(description="Who answers for it: a person's name.")]
LastDay = Annotated[date, Field(description="Last day on which it counts, as 2031-05-14: nothing counts for good.")]
Version = Annotated[str, Field(pattern=TAG, description="Version of the one release that it counts for.")]


def _not_before(name: str) -> Callable[[date, ValidationInfo], date]:
    def check(value: date, info: ValidationInfo) -> date:
        start = info.data.get(name)
        if start is not None and value < start:
            message = f"must not be before `{name}` ({start})"
            raise ValueError(message)
        return value

    return check


class Statement(Concern):
    """What no system can prove, said by a named person on a day. It is shown as stated, never as proven."""

    item: ItemName = Field(description="What is stated.")
    by: Person
    dated: date = Field(description="Day on which it was said, as 2031-05-14; it counts from then on.")
    until: LastDay
    text: FilledIn = Field(description="What exactly is stated.")

    _ends_after_it_begins = field_validator("until")(_not_before("dated"))


class Waiver(Concern):
    """An item that the environment goes without until a day, by whom and why; with `release` for that one only."""

    item: ItemName = Field(description="What the environment goes without.")
    reason: Reason
    by: Person
    until: LastDay
    release: Version | None = Field(default=None, description="Version of the one release that it counts for.")


class BreakGlass(Concern):
    """A release that must go out whatever is open: named, for one version, until a day, and announced to everybody."""

    release: Version
    by: Person
    reason: Reason
    until: LastDay
    items: Items = Field(min_length=1, description="`all`, or the names of the items that are waived.")


class MarkerSettings(Concern):
    """Notes of unfinished work that no line which the release adds may hold, in the code that blocks a deployment."""

    patterns: tuple[Expression, ...] = Field(
        default=(r"\bTO[-_ ]?DO\b", r"\bFIX[-_ ]?ME\b", r"\bX{3}\b"),
        min_length=1,
        description="Regular expressions, searched in each added line.",
    )
    paths: tuple[RelativePath, ...] = Field(
        default=(), description="From the root of the checkout; without them image.context."
    )


class ChecklistSettings(ChecklistSources):
    """The checklist of one environment. What is not required is looked at and shown, and holds nothing up."""

    required: Items = Field(default=(), description="`all`, or the names of the items; without it none.")
    timeout_seconds: float = Field(
        default=3, ge=0.1, le=60, description="For all items together; who has not answered by then is unknown."
    )
    main_branch: str = Field(
        default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", description="Branch that a release has to be part of."
    )
    forge: ForgeSettings | None = None
    test_reports: tuple[str, ...] = Field(
        default=(), description="JUnit XML files, relative to the project. They name the commit that was tested."
    )
    markers: MarkerSettings = MarkerSettings()
    signed_tags: bool = Field(default=False, description="The release tag must carry a signature that git verifies.")
    release_files: RelativePath = Field(
        default="releases", description="Directory of <version>.md, from the root of the checkout."
    )
    critical: bool = Field(default=False, description="Every release here is critical; else its file says so.")
    critical_labels: tuple[str, ...] = Field(
        default=(), description="Labels of a pull request that make its release critical, whatever its file says."
    )
    may_be_stated: Items = Field(default=BETWEEN_PEOPLE, description="Items that a person's statement closes.")
    statements: tuple[Statement, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    break_glass: BreakGlass | None = None

    @field_validator("required", "may_be_stated")
    @classmethod
    def _names_each_once(cls, value: tuple[ItemName, ...]) -> tuple[ItemName, ...]:
        if len(set(value)) < len(value):
            message = "must name every item once"
            raise ValueError(message)
        return value

    @field_validator("statements")
    @classmethod
    def _only_what_may_be_stated(cls, value: tuple[Statement, ...], info: ValidationInfo) -> tuple[Statement, ...]:
        allowed = info.data.get("may_be_stated", ITEM_NAMES)
        wrong = [each.item for each in value if each.item not in allowed]
        if wrong:
            message = (
                f"must not state {', '.join(dict.fromkeys(wrong))}: only {', '.join(allowed) or 'nothing'} may be"
                " stated here; waive it under checklist.waivers, or add it to checklist.may_be_stated"
            )
            raise ValueError(message)
        return value
