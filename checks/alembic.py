"""What alembic prints: revisions, and why a command of it failed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_FAILED = "FAILED: "
_UNKNOWN = re.compile(r"Can't locate revision identified by '([^']+)'")
_HEADS = "Multiple head revisions are present"
_LOCKED = "canceling statement due to lock timeout"
_REFUSED = re.compile(r"authentication failed|FATAL: +(role|database) .* does not exist|no pg_hba.conf entry")
_AWAY = re.compile(
    r"connection failed:|could not connect to server|failed to resolve host|could not translate host name"
    r"|Connection refused|[Cc]onnection timed? ?out|timeout expired|No route to host|starting up|shutting down"
    r"|terminating connection|server closed the connection"
)


@dataclass(frozen=True)
class Cause:
    """Why alembic failed, in one line, and what mends it."""

    what: str
    mend: str


class AlembicError(Exception):
    """The migrations cannot be planned; `cause` says why and what mends it."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"{cause.what}. To mend it: {cause.mend}")
        self.cause = cause


def revisions_of(output: str) -> tuple[str, ...]:
    """Return the revisions that `alembic heads` or `alembic current` printed, each once."""
    return tuple(dict.fromkeys(line.split()[0] for line in output.splitlines() if line.strip()))


def several_heads(heads: Sequence[str]) -> Cause:
    """Return the cause for an image whose migrations end in more than one head."""
    named = f" ({', '.join(heads)})" if heads else ""
    return Cause(
        f"the image's migrations have more than one head{named}",
        "alembic merge heads -m merge, commit the new revision, and release that",
    )


def cause_of(lines: Sequence[str]) -> Cause | None:
    """Return why alembic failed, by the last thing it said; None where it is none of the known causes.

    `lines` are what it printed on either stream. The cause of a failing statement of a migration is not known here.
    """
    said = message_of(lines)
    unknown = _UNKNOWN.search(said)
    if unknown:
        return Cause(
            f"the database is ahead of the image: it is at revision {unknown[1]}, which the image does not know",
            "release a version that has this revision, or take it back with an image that has it: alembic downgrade",
        )
    if _HEADS in said:
        return several_heads(())
    if _LOCKED in said:
        return Cause(
            f"a table stayed locked for longer than the migration may wait: {said}",
            "see pg_stat_activity for who holds the lock, and run the same command again",
        )
    if _REFUSED.search(said):
        return Cause(
            f"the database refuses the sign-in: {said}",
            "correct DATABASE_URL in the Secret that application.credentials names",
        )
    if _AWAY.search(said):
        return Cause(
            f"the database gives no answer: {said}",
            "see that it runs and that DATABASE_URL in the Secret that application.credentials names is right",
        )
    return None


def message_of(lines: Sequence[str]) -> str:
    """Return in one line the last thing that alembic said: its own last word, else the last log line."""
    shown = [line for line in lines if line.strip()]
    for line in reversed(shown):
        if line.startswith(_FAILED):
            return line.removeprefix(_FAILED).strip()
    return _logged(shown[-1]) if shown else "it said nothing"


def _logged(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    return str(entry.get("message", line)) if isinstance(entry, dict) else line.strip()
