"""Shows the checklist of what is checked out, without an update."""

from __future__ import annotations

from datetime import date

from evidence.checklist.checklist import Checklist
from evidence.checklist.table import table


class ItemsOpenError(Exception):
    """Items that the environment requires are open; the text is the whole table."""


def checklist(found: Checklist, *, today: date) -> list[str]:
    """Return the table. Raises ItemsOpenError with it where an item that is required is open."""
    shown = table(found, today)
    if found.open:
        raise ItemsOpenError(shown)
    return [shown]
