"""Gathers what is kept of a release: its record, the report of its verification, and the SQL of its migration."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from cluster.history.history import History
from commands.delivery.places import StackPlaces, write
from commands.history import history

KEPT = ("verification.json", "verification.html", "migration-output.sql")


def record(records: History, places: StackPlaces, *, directory: Path = Path(), kept: Iterable[str] = KEPT) -> list[str]:
    """Put what is there into one place, as the artifact of a job; return what a person reads.

    Raises ClusterError, Unreachable or DeliveryError.
    """
    places.make(places.record)
    newest = next(iter(records.read()), None)
    texts = {"history.txt": history(records, None)}
    if newest is not None:
        texts[f"release-{newest.number}.txt"] = history(records, newest.number)
    for name, lines in texts.items():
        write(places.record / name, "\n".join(lines) + "\n")
    files = [name for name in kept if (directory / name).is_file()]
    for name in files:
        shutil.copy(directory / name, places.record / name)
    last = f"release {newest.number}: {newest.outcome}" if newest is not None else "no release is on record"
    return [last, f"kept in {places.record}: {', '.join([*texts, *files])}"]
