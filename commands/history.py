"""Shows the record of the releases: a table of all, or one of them from its beginning to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from cluster.errors import ClusterError
from cluster.history.entry import SAMPLES, Entry
from cluster.history.history import OPEN, Attempt, History

WIDTH = 120
_LONGEST = {"VERSION": 26, "FROM": 22, "BY": 18}
_HEAD = ("NO", "VERSION", "FROM", "BY", "STARTED (UTC)", "TOOK", "OUTCOME", "CAUSE")
_GAP = "  "
_INDENT = " " * 23
# What the line of an entry says already, or what only the program reads.
_TOLD = {
    "verdict",
    "reason",
    "step",
    "seconds",
    SAMPLES,
    "query",
    "queries",
    "numbers",
    "run",
    "identity",
    "cause",
    "items",
}


def history(records: History, release: int | None) -> list[str]:
    """Return what a person reads: the table, or the timeline of `release`.

    Raises ClusterError where there is no such release, or Unreachable.
    """
    attempts = records.read()
    if release is None:
        return overview(attempts, records.deployment)
    found = next((each for each in attempts if each.number == release), None)
    if found is None:
        known = ", ".join(str(each.number) for each in attempts) or "none"
        raise ClusterError(f"there is no record of release {release}; there are: {known}")
    return timeline(found, records.deployment)


def overview(attempts: Sequence[Attempt], deployment: str) -> list[str]:
    """Return the table of all attempts, newest first."""
    if not attempts:
        return [f"no release of {deployment} is on record yet"]
    rows = [_HEAD, *(_row(each) for each in attempts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    lines = [line for row in rows for line in _lines(row, widths)]
    return [f"releases of {deployment}, newest first", "", *lines]


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return a row of the table; a cause that has no room at its end stands below it."""
    number, *cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
    line = _GAP.join([number.strip().rjust(widths[0]), *cells])
    cause = row[-1]
    if len(line) + len(_GAP) + len(cause) <= WIDTH:
        return [f"{line}{_GAP}{cause}".rstrip()]
    indent = " " * (widths[0] + len(_GAP))
    return [line.rstrip(), *wrap(cause, WIDTH, initial_indent=indent, subsequent_indent=indent, max_lines=2)]


def timeline(attempt: Attempt, deployment: str) -> list[str]:
    """Return one attempt from its beginning to its end."""
    head = f"release {attempt.number} of {deployment}: {attempt.fact('version')}, {_outcome(attempt)}"
    lines = [
        head,
        f"  began     {attempt.entries[0].at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if attempt.entries else "",
    ]
    for entry in attempt.entries:
        lines += ["", *_event(entry, attempt.entries[0].at)]
    return lines


def _row(attempt: Attempt) -> tuple[str, ...]:
    started = f"{attempt.entries[0].at.astimezone(UTC):%Y-%m-%d %H:%M}" if attempt.entries else ""
    return (
        str(attempt.number),
        _cut(str(attempt.fact("version")), _LONGEST["VERSION"]),
        _cut(str(attempt.fact("from")) or "-", _LONGEST["FROM"]),
        _cut(attempt.by, _LONGEST["BY"]),
        started,
        duration(attempt.seconds),
        attempt.outcome,
        " ".join(attempt.cause.split()),
    )


def _outcome(attempt: Attempt) -> str:
    if attempt.outcome == OPEN:
        return f"not finished {duration(attempt.seconds)} after it began"
    return f"{attempt.outcome} after {duration(attempt.seconds)}"


def _event(entry: Entry, started: datetime) -> list[str]:
    facts = entry.facts
    since = (entry.at - started).total_seconds()
    title = " ".join(str(facts[key]) for key in ("outcome", "step", "verdict") if facts.get(key) not in (None, ""))
    took = f"({duration(float(facts['seconds']))})" if isinstance(facts.get("seconds"), int | float) else ""
    first = f"  +{duration(since):<9} {entry.kind:<9} {' '.join(part for part in (title, took) if part)}".rstrip()
    below = [str(facts[key]) for key in ("reason", "cause") if facts.get(key)]
    below += [f"- {each}" for each in facts.get("items") or []]
    below += _numbers(facts.get("numbers"))
    below += _samples(facts.get(SAMPLES))
    queries = [facts.get("query"), *(facts.get("queries") or [])]
    below += [f"query: {each}" for each in queries if each]
    below += [f"{key}: {_shown(value)}" for key, value in facts.items() if key not in _TOLD and key != "outcome"]
    return [first, *(line for text in below for line in _wrapped(text))]


def _numbers(numbers: object) -> list[str]:
    if not isinstance(numbers, Mapping) or not numbers:
        return []
    return [", ".join(f"{key} {_shown(value)}" for key, value in numbers.items())]


def _samples(samples: object) -> list[str]:
    """Return how many samples there are, and each of their numbers at the first and at the last of them."""
    if not isinstance(samples, list) or not samples or not isinstance(samples[0], Mapping):
        return []
    first, last = samples[0], samples[-1]
    moved = [f"{key} {_shown(first[key])} to {_shown(last[key])}" for key in first if key in last]
    return [f"{len(samples)} samples: {', '.join(moved)}"]


def _shown(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(below)}" for key, below in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(below) for below in value)
    return str(value)


def _wrapped(text: str) -> list[str]:
    return [
        line
        for paragraph in text.splitlines()
        for line in wrap(paragraph, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  ")
    ]


def duration(seconds: float) -> str:
    """Return seconds as a person says them: `4.2 s`, `3 min 05 s`, `1 h 02 min`."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {round(seconds) % 60:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _cut(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"
