"""What a reviewer wants to know of one stack's preview."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reports.preview.capacity import NO_CAPACITY, Capacity
from reports.preview.events import Violation

STEP = re.compile(r"^step \d+ %: ")


@dataclass(frozen=True)
class Change:
    """One resource that would change. `paths` name the properties, each with `+`, `-` or `~` before it; no values.

    `component` is the kind of the innermost component that it is part of, empty where it is part of none.
    """

    action: str
    kind: str
    name: str
    paths: tuple[str, ...]
    component: str = ""


@dataclass(frozen=True)
class ChecklistItem:
    """One item of the checklist, as the inputs of its resource have it."""

    number: int
    title: str
    required: bool
    state: str
    source: str
    value: str
    link: str
    closes: str
    until: str

    @property
    def open(self) -> bool:
        """Whether it keeps a release from beginning, where it is required."""
        return self.state not in {"proven", "planned", "stated", "waived"}


@dataclass(frozen=True)
class StackPreview:
    """One stack: what would change and what is in the way.

    `plans` are the lines in which each gate says what it will do, those of the canary's steps among them. `drift` is
    what was changed in the cluster since the last update. `held` is what keeps it because of open items of the
    checklist: the words of the program, or of the policies. `complete` is not set where the preview ended early.
    """

    stack: str
    complete: bool = False
    version_before: str = ""
    version: str = ""
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    drift: tuple[Change, ...] = ()
    plans: tuple[str, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    held: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    policies_passed: frozenset[str] = frozenset()
    capacity: Capacity = NO_CAPACITY
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[str, ...]:
        """The plan lines of the canary's steps."""
        return tuple(line for line in self.plans if STEP.match(line))

    @property
    def open_items(self) -> tuple[ChecklistItem, ...]:
        """The items that are required and open."""
        return tuple(item for item in self.checklist if item.required and item.open)

    @property
    def waived_items(self) -> tuple[ChecklistItem, ...]:
        """The items that the release goes without."""
        return tuple(item for item in self.checklist if item.state == "waived")

    @property
    def blocking(self) -> tuple[Violation, ...]:
        """The mandatory policies that are broken, but for those of the checklist."""
        return tuple(each for each in self.violations if each.enforcement_level == "mandatory")

    @property
    def failed(self) -> bool:
        """Whether the change itself is at fault: it cannot be previewed, or breaks a mandatory policy.

        What is open on the checklist is not counted: most of it can only be closed after a merge.
        """
        return bool(self.blocking or self.errors) or not (self.complete or self.held or self.open_items)
