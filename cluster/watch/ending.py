"""What a watch adds to the release's record, from which people are told: its beginning, what it sees, and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from checks.reader import Unreachable
from checks.verdict import Kind, Verdict
from cluster.errors import ClusterError
from cluster.history.history import FINISHED
from cluster.watch.attempt import WatchedAttempt
from cluster.watch.state import End, WatchState

GATE, ROLLBACK, WATCH = "gate", "rollback", "watch"


@dataclass
class Ending:
    """Writes into the record of one attempt. `verdict` is the one that failed, `patterns` those of the logs.

    `flush` waits, within bounds, until those who listen to the record have told everybody.
    """

    key: str
    attempt: WatchedAttempt
    flush: Callable[[], None] = lambda: None
    verdict: Verdict | None = field(default=None, init=False)
    patterns: tuple[str, ...] = field(default=(), init=False)
    _on_record: frozenset[str] = field(default=frozenset(), init=False)

    def begun(self, minutes: float) -> None:
        """Note that the watch has begun."""
        self.attempt.append(WATCH, watch=self.key, reason=f"is watched for {minutes:g} minutes")

    def note(self, kind: Kind, reason: str, *, details: tuple[str, ...] = ()) -> None:
        """Note, and tell, something that does not end the watch."""
        self.attempt.reporter.line(f"watch: {kind}: {reason}")
        self.attempt.append(GATE, step=WATCH, verdict=str(kind), reason=reason, details=list(details))

    def tell(self, state: WatchState) -> bool:
        """Note, and tell, how the watch ended; return whether that was to be done.

        After a kill in between what is on record is not written twice, and told again: nobody knows who had heard.
        """
        if state.told or state.end is None:
            return False
        self._on_record = self._found()
        self._tell(state, state.end)
        self.flush()
        state.told = True
        return True

    def _tell(self, state: WatchState, end: End) -> None:
        reporter, seconds = self.attempt.reporter, state.seconds(state.looked_at)
        if end is End.REPLACED:
            reporter.line(f"watch: ended: {state.reason}")
            self._add(WATCH, reason=f"the watch has ended: {state.reason}")
            return
        if end in {End.WATCHED, End.UNSEEN}:
            good = all(sight.kind == Kind.PASS for sight in state.signals.values())
            kind = Kind.NO_DATA if end is End.UNSEEN else Kind.PASS if good else Kind.TOO_FEW
            reporter.line(f"watch: {kind}: {state.reason}")
            self._gate(kind, state.reason, seconds)
            return
        reporter.line(f"watch: {state.reason}")
        # Where nobody was hurt that is known of, the reason alone says how bad it was.
        hurt = {"hurt": state.hurt} if state.hurt is not None else {}
        self._gate(Kind.FAIL, state.cause, seconds, **hurt)
        if state.outcome:
            self._add(ROLLBACK, cause=state.cause, outcome=state.outcome)
        outcome = "failed" if state.outcome else "held"
        cause = f"watch: {state.cause}" if state.outcome else f"watch: {state.cause}; {state.reason}"
        self._add(FINISHED, outcome=outcome, cause=cause)

    def _gate(self, kind: Kind, reason: str, seconds: float, **facts: object) -> None:
        verdict = self.verdict
        if verdict is not None:
            facts |= {"numbers": dict(verdict.numbers), "query": verdict.query, "details": list(verdict.details)}
        self._add(
            GATE,
            step=WATCH,
            verdict=str(kind),
            reason=reason,
            seconds=seconds,
            patterns=list(self.patterns),
            **facts,
        )

    def _add(self, kind: str, **facts: object) -> None:
        if kind in self._on_record:
            self.attempt.tell_again(kind, facts)
        else:
            self.attempt.append(kind, **facts, ended=self.key)

    def _found(self) -> frozenset[str]:
        """Return the kinds of entries by which this watch has noted its end."""
        try:
            found = self.attempt.find()
        except (ClusterError, Unreachable):
            return frozenset()
        entries = found.entries if found is not None else ()
        return frozenset(each.kind for each in entries if each.facts.get("ended") == self.key)
