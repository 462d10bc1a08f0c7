"""The events of a preview, as `pulumi preview --json` streams them: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

STREAMING = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
# What stands in an input whose value only the update will know.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class EventsError(Exception):
    """A file holds no events of a preview; the text says what it holds, and how to make it."""


class _Shape(BaseModel):
    """A part of an event. What is not asked for is left out; what is missing has the engine's own default."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class PropertyDiff(_Shape):
    """How one property differs: add, delete or update, each also with `-replace`."""

    diff_kind: str = "update"


class StepState(_Shape):
    """A resource before or after a step. `custom` is set where a provider keeps it, and not where it is a component."""

    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    custom: bool = False


class Step(_Shape):
    """What the engine does to one resource."""

    op: str
    urn: str
    type: str
    old: StepState | None = None
    new: StepState | None = None
    diffs: tuple[str, ...] | None = None
    detailed_diff: dict[str, PropertyDiff] | None = None


class StepEvent(_Shape):
    """A step that begins or ends."""

    metadata: Step


class Diagnostic(_Shape):
    """What the program, a provider or the engine says. `severity` is info, info#err, warning or error."""

    message: str = ""
    severity: str = "info"
    urn: str = ""
    ephemeral: bool = False


class Violation(_Shape):
    """A policy that a resource, or the stack, breaks. `enforcement_level` is mandatory or advisory."""

    message: str = ""
    policy_name: str = ""
    enforcement_level: str = ""
    resource_urn: str = ""


class PolicySummary(_Shape):
    """Which policies one resource, or the stack, was asked about, and how that went."""

    passed: tuple[str, ...] | None = None
    failed: tuple[str, ...] | None = None


class Summary(_Shape):
    """The end of a preview. `result` is succeeded, failed or canceled; an older engine leaves it out."""

    duration_seconds: int = 0
    result: str = "succeeded"


class Event(_Shape):
    """One event: exactly one of its fields is set, none for a kind that tells a reviewer nothing."""

    diagnostic: Diagnostic | None = Field(default=None, alias="diagnosticEvent")
    begins: StepEvent | None = Field(default=None, alias="resourcePreEvent")
    ends: StepEvent | None = Field(default=None, alias="resOutputsEvent")
    violation: Violation | None = Field(default=None, alias="policyEvent")
    resource_policies: PolicySummary | None = Field(default=None, alias="policyAnalyzeSummaryEvent")
    stack_policies: PolicySummary | None = Field(default=None, alias="policyAnalyzeStackSummaryEvent")
    summary: Summary | None = Field(default=None, alias="summaryEvent")


@dataclass(frozen=True)
class Said:
    """A line that is no event: what the command line itself printed."""

    text: str


def read_events(file: Path) -> Iterator[Event | Said]:
    """Yield the events in `file`, in their order. Raises EventsError where it cannot be read or holds something else.

    An empty file has no events: the engine may have failed before the first.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _event(line.strip(), file, number)
    except OSError as error:
        raise EventsError(f"{file} cannot be read ({error.strerror}); {_how(file)}") from error


def _event(line: str, file: Path, number: int) -> Event | Said:
    if line == "{":
        raise EventsError(f"{file} holds one object and not one event a line; {_how(file)}")
    try:
        found = json.loads(line)
    except ValueError:
        return Said(line)
    if not isinstance(found, dict):
        return Said(line)
    try:
        return Event.model_validate(found)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise EventsError(f"line {number} of {file} is no event of the engine: {where} is of another form") from None


def _how(file: Path) -> str:
    return f"make it with: {STREAMING}=true pulumi preview --json --color never > {file.name}"
