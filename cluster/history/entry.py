"""What one entry of a release's record says, and how all of them stay within what a ConfigMap may hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MOST_SAMPLES = 60
LONGEST_TEXT = 4000
# A ConfigMap may have 1 MiB in all.
LARGEST_RECORD_BYTES = 900_000
SAMPLES = "samples"
_NOT_FACTS = {"at", "kind"}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class RecordFullError(Exception):
    """Not even the bare fact that something happened has room in the record."""


@dataclass(frozen=True)
class Entry:
    """One thing that happened to a release: when, of which kind, and the facts."""

    at: datetime
    kind: str
    facts: Mapping[str, Any]


def with_entry(data: Mapping[str, str], kind: str, at: datetime, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return `data` with one entry more, under a key of its own.

    Where there is no room the samples of the oldest entries go first, then the facts of the new one; what was cut is
    named in its place. Raises RecordFullError.
    """
    key = f"{max((_number(each) for each in data), default=0) + 1:04d}-{kind}"
    bare = {"at": at.isoformat(), "kind": kind}
    written = {**data, key: _text({**bare, **_bounded(facts)})}
    for each in sorted(written, key=_number):
        if _size(written) <= LARGEST_RECORD_BYTES:
            return written
        written[each] = _without_samples(written[each])
    if _size(written) > LARGEST_RECORD_BYTES:
        written[key] = _text({**bare, "cut": "the facts: the record is full"})
    if _size(written) > LARGEST_RECORD_BYTES:
        raise RecordFullError
    return written


def entries_of(data: Mapping[str, str]) -> list[Entry]:
    """Return the entries in the order in which they were written; one that cannot be read is shown as such."""
    entries: list[Entry] = []
    for key in sorted(data, key=_number):
        try:
            found = json.loads(data[key])
            at, kind = datetime.fromisoformat(found["at"]), str(found["kind"])
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            entries.append(Entry(at, kind, {name: value for name, value in found.items() if name not in _NOT_FACTS}))
        except (ValueError, KeyError, TypeError):
            entries.append(Entry(entries[-1].at if entries else _LONG_AGO, "unreadable", {"key": key}))
    return entries


def thinned(samples: Sequence[Any]) -> list[Any]:
    """Return at most 60 of the samples, evenly spread, the first and the last among them."""
    if len(samples) <= MOST_SAMPLES:
        return list(samples)
    last = len(samples) - 1
    return [samples[round(index * last / (MOST_SAMPLES - 1))] for index in range(MOST_SAMPLES)]


def _bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in facts.items() if name not in _NOT_FACTS}


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in thinned(value)]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else str(value)
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… (cut: {len(text)} characters)"


def _without_samples(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict) or not found.get(SAMPLES):
        return text
    return _text({**found, SAMPLES: [], "cut": f"{len(found[SAMPLES])} samples, for want of room"})


def _text(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def _size(data: Mapping[str, str]) -> int:
    return sum(len(key) + len(value.encode()) for key, value in data.items())


def _number(key: str) -> int:
    digits = key.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
