"""Log lines by pattern: what is the same but for numbers, names and addresses is one; new patterns come first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LONGEST_PATTERN = 200
# The order matters: what is more particular comes first.
_VARIABLE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<uuid>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?"), "<time>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b"), "<mail>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)\]]+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE), "<address>"),
    (re.compile(r"\b[\w.-]+-[0-9a-z]{5,10}-[0-9a-z]{5}\b"), "<pod>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<number>"),
    # A hash: long, and not a word, since it has both letters and digits.
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<hash>"),
    # Also where a unit follows, as in 12ms; not in a name, as in utf8.
    (re.compile(r"(?<![A-Za-z_])\d+(?:[.,]\d+)*"), "<number>"),
)


@dataclass(frozen=True)
class Line:
    """A log line: its level, as the log has it, and its message."""

    level: str
    message: str


@dataclass(frozen=True)
class Pattern:
    """A pattern of one level: how often it was logged since the deployment, and in the hour before it."""

    level: str
    text: str
    since: int
    before: int

    @property
    def new(self) -> bool:
        """Whether it was never logged in the hour before the deployment."""
        return self.before == 0

    def __str__(self) -> str:
        often = "new" if self.new else f"{self.before:,} in the hour before"
        return f"{self.level} {self.since:,} times ({often}): {self.text}"


def pattern_of(message: str) -> str:
    """Return the first line of the message with its variable parts masked, of 200 characters at most."""
    # What is cut off can be of any length; the patterns below need not see it.
    first = message.strip().partition("\n")[0][: 4 * LONGEST_PATTERN]
    for variable, name in _VARIABLE:
        first = variable.sub(name, first)
    text = " ".join(first.split())
    return text if len(text) <= LONGEST_PATTERN else f"{text[: LONGEST_PATTERN - 1]}…"


def compared(since: Iterable[Line], before: Iterable[Line], levels: Sequence[str]) -> list[Pattern]:
    """Return the patterns since the deployment: new ones first, then by level in the order of `levels`, then by number.

    Lines of any other level are left out.
    """
    now, then = _counted(since), _counted(before)
    found = [Pattern(level, text, count, then[level, text]) for (level, text), count in now.items() if level in levels]
    return sorted(found, key=lambda each: (not each.new, levels.index(each.level), -each.since, each.text))


def _counted(lines: Iterable[Line]) -> Counter[tuple[str, str]]:
    return Counter((line.level, pattern_of(line.message)) for line in lines)
