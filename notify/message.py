"""What people are told: the same text wherever they read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# PagerDuty cuts a summary there; what fits everywhere needs no second wording.
LONGEST_TEXT = 1024
_LONGEST_NAME = 120


class What(StrEnum):
    """What happened to a release."""

    STARTED = "started"
    WAIVED = "waived"
    CHECKED = "checked"
    PROMOTED = "promoted"
    VERIFIED = "verified"
    HELD = "held"
    TAKEN_BACK = "taken back"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Place:
    """Where a release goes to."""

    stack: str
    namespace: str
    deployment: str

    def __str__(self) -> str:
        return f"{self.namespace} (stack {self.stack})"


@dataclass(frozen=True)
class Message:
    """What, which version, where, why, and the next command. `phrase` is `what` in the words of a sentence."""

    what: What
    phrase: str
    version: str
    place: Place
    why: str
    next_command: str
    at: datetime

    @property
    def headline(self) -> str:
        """What happened to which version where, in one short line."""
        return f"release {_cut(self.version, _LONGEST_NAME)} {_cut(self.phrase, _LONGEST_NAME)} in {self.place}"

    @property
    def text(self) -> str:
        """Everything in one line of at most 1024 characters; where that is too much the reason is cut."""
        end = f". Next: {self.next_command}"
        why = _one_line(self.why).rstrip(". ")
        if not why:
            return f"{self.headline}{end}"
        return f"{self.headline}: {_cut(why, LONGEST_TEXT - len(self.headline) - len(end) - 2)}{end}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, longest: int) -> str:
    line = _one_line(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
