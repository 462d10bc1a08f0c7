"""What everybody who is told has in common: where a notice goes, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from checks.reader import Unreachable
from cluster.errors import ClusterError, GateFailed
from cluster.history.entry import RecordFullError
from cluster.history.history import Attempt
from notify.escalation import DONE, ESCALATED, Acknowledgement, Action
from notify.sending import NotTold
from notify.story import Notice

TOLD = "told"


class Record(Protocol):
    """The record of an attempt, as cluster.history.history has it."""

    @property
    def number(self) -> int:
        """The number of the attempt; 0 until it is on record."""

    def attempts(self) -> list[Attempt]:
        """Return this attempt and those before it, newest first. Raises ClusterError or Unreachable."""

    def note(self, kind: str, **facts: Any) -> None:  # noqa: ANN401
        """Add an entry. Raises ClusterError, Unreachable or RecordFullError."""


@dataclass
class Memory:
    """What one channel remembers of one attempt, in this process and, for the next one, in the attempt's record."""

    record: Record
    _known: dict[str, Any] = field(default_factory=dict, init=False)
    _unwritten: dict[str, Any] = field(default_factory=dict, init=False)

    def recall(self, name: str) -> Any:  # noqa: ANN401
        """Return what was kept last under `name`, by whichever process; None where nothing was, or nobody knows."""
        if name not in self._known:
            own = [each for each in self._attempts() if each.number == self.record.number]
            self._known[name] = own[0].fact(name) or None if own else None
        return self._known[name]

    def keep(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Keep a value that JSON knows; it is written into the record with what was done."""
        self._known[name] = self._unwritten[name] = value

    def open(self, name: str) -> list[str]:
        """Return what this attempt and those before it kept under `name`, and did not name in `<name>_closed` later."""
        facts = [entry.facts for attempt in self._attempts() for entry in attempt.entries]
        kept = [*(str(each[name]) for each in facts if each.get(name)), *filter(None, [self._known.get(name)])]
        closed = {value for each in facts for value in each.get(f"{name}_closed", ())}
        closed |= set(self._known.get(f"{name}_closed", ()))
        return [value for value in dict.fromkeys(kept) if value not in closed]

    def write(self, kind: str, **facts: Any) -> str:  # noqa: ANN401
        """Write what was kept, with `facts`, into the record; return why that failed, or nothing."""
        kept, self._unwritten = self._unwritten, {}
        try:
            self.record.note(kind, **facts, **kept)
        except (ClusterError, Unreachable, RecordFullError, GateFailed) as error:
            return f"what was done is not recorded: {str(error) or type(error).__name__}"
        return ""

    @property
    def unwritten(self) -> bool:
        """Whether something was kept that the record does not know."""
        return bool(self._unwritten)

    def _attempts(self) -> list[Attempt]:
        try:
            return self.record.attempts() if self.record.number else []
        except (ClusterError, Unreachable):
            return []


class Channel(Protocol):
    """Somebody who is told."""

    @property
    def name(self) -> str:
        """As a person says it."""

    def tell(self, notice: Notice, memory: Memory) -> None:
        """Tell. Raises NotTold."""

    def acknowledged(self, memory: Memory, now: datetime) -> Acknowledgement | None:
        """Return who has taken the problem on here, if anybody can and has. Raises NotTold."""

    def acknowledge(self, memory: Memory, by: str) -> None:
        """Say here that `by` has taken the problem on, so that it rings no more. Raises NotTold."""

    def close(self) -> None:
        """Let the connections go."""


@dataclass(frozen=True)
class Addressee:
    """A channel, and the actions that count as done once it has been told."""

    channel: Channel
    carries: frozenset[Action] = frozenset()


def deliver(addressee: Addressee, notice: Notice, memory: Memory) -> list[str]:
    """Tell one addressee, record what that did, and return what went wrong, each as one line. Raises nothing."""
    name, problems = addressee.channel.name, list[str]()
    outcome = DONE
    try:
        addressee.channel.tell(notice, memory)
    except NotTold as error:
        outcome = f"failed: {error}"
        problems.append(f"not told that {notice.message.headline}: {error}")
    except Exception as error:  # noqa: BLE001 - who is told is no part of the release, whatever is wrong with it
        outcome = f"failed: {type(error).__name__}"
        problems.append(f"{name}: not told because of a fault in its own program ({type(error).__name__})")
    actions = [action.value for action in notice.actions if action in addressee.carries]
    facts: Mapping[str, Any] = {"through": name, "about": notice.message.what.value, "outcome": outcome}
    if actions:
        problems += _written(memory, ESCALATED, {"actions": actions, **facts})
    elif memory.unwritten or outcome != DONE:
        problems += _written(memory, TOLD, facts)
    return problems


def _written(memory: Memory, kind: str, facts: Mapping[str, Any]) -> Iterable[str]:
    why = memory.write(kind, **facts)
    return [why] if why else []
