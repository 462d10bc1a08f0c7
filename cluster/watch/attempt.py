"""The record of an attempt that is over, to which the watch of its release still adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster.errors import ClusterError
from cluster.history.history import Attempt, ReleaseRecord


@dataclass
class WatchedAttempt(ReleaseRecord):
    """Adds to the last attempt of its release, whatever became of it, and never begins one."""

    def find(self) -> Attempt | None:
        """Return the last attempt of the release, or None. Raises ClusterError or Unreachable."""
        own = [each for each in self._history.read() if each.identity == self.release.identity]
        return own[0] if own else None

    def started_at(self) -> datetime | None:
        """Return when the attempt was begun, or None where none is on record. Raises ClusterError or Unreachable."""
        found = self.find()
        return found.started_at if found is not None else None

    def find_number(self) -> None:
        """Let `number` be that of the attempt. Raises ClusterError or Unreachable."""
        self._find_or_start({})

    def tell_again(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Let those hear who listen, of an entry that is on record already."""
        self._let_hear(kind, facts)

    def _find_or_start(self, facts: Mapping[str, Any]) -> None:  # noqa: ARG002  (an attempt that is over has its facts)
        if self._number:
            return
        found = self.find()
        if found is None:
            raise ClusterError(f"release {self.release.version} of {self.deployment} has no record to add to")
        self._number = found.number
