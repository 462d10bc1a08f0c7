"""Takes a release back that turned bad while it was watched: once, however often the watch is killed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from checks.reader import Unreachable
from checks.verdict import Kind
from checks.waiting import Clock, Reporter
from cluster.errors import ClusterError, GateFailed
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from cluster.rollback.outcome import Outcome
from cluster.rollback.record import GoingBackRecord
from cluster.rollback.rollback import Rollback
from cluster.watch.record import WatchRecord
from cluster.watch.state import End, WatchState

BY = "the watch of the release"
ATTEMPTS = 3
AGAIN_SECONDS = 20.0


class NotNow(Exception):  # noqa: N818  (it names a state, as Unreachable does)
    """The release cannot be taken back at this moment: another run holds it, or the cluster gives no answer."""


@dataclass(frozen=True)
class TakingBack:
    """Takes `release` back to the verified one before it.

    `rollback` takes the release (the Lease) for as long as its body runs, and gives what goes back. `automatic` says
    whether that may be done without a person.
    """

    release: Release
    rollback: Callable[[], AbstractContextManager[Rollback]]
    automatic: bool
    reporter: Reporter
    clock: Clock
    wall_clock: Callable[[], datetime]

    def run(self, state: WatchState) -> None:
        """Take the release back because of `state.cause`, and set end, reason and outcome in `state`, which is kept.

        Raises NotNow where nothing was decided: the watch goes on and tries again.
        """
        if not self.automatic:
            self._end(state, End.STAYED, "held: rollout.automatic is false, so nothing was taken back", "")
            return
        try:
            with self.rollback() as back:
                self._run(back, WatchRecord(back.cluster, back.names), state)
        except (ClusterError, Unreachable, GateFailed) as error:
            raise NotNow(str(error)) from error

    def _run(self, back: Rollback, record: WatchRecord, state: WatchState) -> None:
        releases = VerifiedReleases(back.cluster, back.names.deployment)
        intention = GoingBackRecord(back.cluster, back.names)
        # Only now that nobody else may change it: what was seen before may be no longer so.
        to, why_not = self._target(releases, intention, state)
        if why_not:
            self._end(state, End.REPLACED, why_not, "")
            return
        if to is not None:
            state.to = to.release.identity
            record.keep(state)
            intention.begin(to, BY, self.wall_clock())
        outcome = self._go(back, to, state.cause)
        if to is not None and outcome.moved:
            releases.return_to(to)
        end = End.TAKEN_BACK if outcome.moved else End.STAYED
        self._end(state, end, outcome.reason, str(outcome))
        record.keep(state)
        if outcome.kind is Kind.PASS or not outcome.moved:
            intention.end()

    def _target(
        self, releases: VerifiedReleases, intention: GoingBackRecord, state: WatchState
    ) -> tuple[VerifiedRelease | None, str]:
        """Return what to go back to, None for nothing; or why this release is not the watch's to take back any more."""
        known = releases.read()
        begun = next((each for each in known if each.release.identity == state.to), None) if state.to else None
        last = next((each for each in known if not each.left), None)
        ours = {self.release.identity, state.to}
        if last is None or last.release.identity not in ours:
            now = "nothing" if last is None else last.release.told_apart_from(self.release)
            return None, f"{now} has taken its place"
        return begun or intention.unfinished(known) or releases.before(self.release), ""

    def _go(self, back: Rollback, to: VerifiedRelease | None, cause: str) -> Outcome:
        """Go back; again where it could not be done, or not be seen to the end: every step looks before it acts."""
        outcome = back.run(self.release, to, cause=cause)
        for _ in range(ATTEMPTS - 1):
            if to is None or outcome.kind not in {Kind.UNREACHABLE, Kind.TOO_FEW}:
                break
            self.reporter.line(f"watch: {outcome}; trying again")
            self.clock.sleep(AGAIN_SECONDS)
            outcome = back.run(self.release, to, cause=cause)
        return outcome

    @staticmethod
    def _end(state: WatchState, end: End, reason: str, outcome: str) -> None:
        state.end, state.reason, state.outcome = end, reason, outcome
