"""The watch of a release that serves: look by look, until its time is over or it is certainly bad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from checks.reader import Unreachable
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter
from cluster.errors import ClusterError, GateFailed
from cluster.watch.ending import Ending
from cluster.watch.record import WatchRecord
from cluster.watch.serving import Serving, Stand
from cluster.watch.state import End, WatchState
from cluster.watch.taking_back import NotNow, TakingBack

KEPT_EVERY_SECONDS = 15.0
LINES_OF_PROGRESS = 12
SHORTEST_PROGRESS_SECONDS = 60.0
# A look stands for the time since the one before it, up to so much: nobody saw what was in between.
LONGEST_LOOK_SECONDS = 30.0
# A release that cannot be taken back within it is left to people.
LONGEST_TAKING_BACK_SECONDS = 1800.0
# A signal that was seen for less of the time was not watched.
SEEN_SHARE = 0.9
# Somebody should read it, though it does not prove the release bad.
TOLD_ONCE = ("alerts", "logs")


class Instruments(Protocol):
    """What the release is watched with."""

    def look(self) -> Mapping[str, Verdict]:
        """Return a verdict for each signal, always the same ones. Raises nothing for what gives no answer."""


@dataclass(frozen=True)
class WatchTimes:
    """How long a release is watched, how often, and after how long a blindness people are told of it."""

    minutes: float
    look_seconds: float
    blind_minutes: float


@dataclass
class Watch:
    """Watches one attempt of a release, called `key`, for its time; a watch that was killed is gone on with.

    Only a signal that is certainly bad, for longer than a moment, takes the release back, as a gate does. What gives
    no answer never does, and never counts as good: people are told after a while, and the end says how much was seen.
    While another run is at work the watch stands aside, and it ends once another release has come in place of its own.
    `wanted` says whether anybody still waits for it; a rollback that was begun is ended all the same.
    """

    key: str
    times: WatchTimes
    serving: Serving
    instruments: Callable[[], AbstractContextManager[Instruments]]
    taking_back: TakingBack
    record: WatchRecord
    ending: Ending
    reporter: Reporter
    clock: Clock
    wall_clock: Callable[[], datetime]
    wanted: Callable[[], bool] = lambda: True
    _kept_at: float = field(default=float("-inf"), init=False)
    _shown_at: float = field(default=0.0, init=False)
    _told: str = field(default="", init=False)
    _taking_back_since: float | None = field(default=None, init=False)

    def run(self) -> WatchState:
        """Watch to the end, and return how it ended.

        Raises GateFailed where nobody waits for it any more, and ClusterError or Unreachable where it cannot begin.
        """
        state = self._begin()
        if state.end is None:
            with _Opening(self.instruments) as opening:
                try:
                    self._watch(state, opening)
                except SystemExit:
                    self._leave(state)
                    raise
        self._tell(state)
        return state

    def _leave(self, state: WatchState) -> None:
        """Note the end of a watch whose Job was deleted by the release that has taken the place of its own."""
        stand, why = self._stand()
        if stand is Stand.GONE and not state.to:
            state.end, state.reason = End.REPLACED, why
            self._tell(state)

    def _tell(self, state: WatchState) -> None:
        if self.ending.tell(state):
            self._keep(state)

    def _begin(self) -> WatchState:
        """Return the watch as it stands, or a new one once no other run is at work."""
        known = self.record.read()
        if known is not None and known.key == self.key and known.end is not End.UNSEEN:
            self.reporter.line(f"watch: goes on; {known.sight_in_words(self.wall_clock())}")
            return known
        release = self.serving.release
        started = self.clock.now()
        while True:
            stand, why = self.serving.look()
            now = self.wall_clock()
            over = self.clock.now() - started >= 60 * self.times.minutes
            if stand is Stand.GONE or over:
                state = WatchState(
                    key=self.key, identity=release.identity, version=release.version, began_at=now, looked_at=now
                )
                state.end, state.reason, state.told = End.REPLACED, why, True
                return state
            if stand is Stand.SERVES:
                break
            if not self.wanted():
                raise GateFailed(f"the watch of release {release.version} was stopped before it began: {why}")
            self.reporter.live(f"watch: waiting: {why}")
            self.clock.sleep(self.times.look_seconds)
        state = self.record.begin(self.key, release, now)
        self.ending.begun(self.times.minutes)
        return state

    def _watch(self, state: WatchState, opening: _Opening) -> None:
        self._shown_at = self.clock.now()
        while state.end is None:
            started = self.clock.now()
            if not state.to:
                self._must_be_wanted(state)
                self._look(state, opening)
            if state.cause and state.end is None:
                self._take_back(state)
            if state.end is None:
                self.clock.sleep(max(0.0, self.times.look_seconds - (self.clock.now() - started)))

    def _must_be_wanted(self, state: WatchState) -> None:
        if self.wanted():
            return
        self._keep(state)
        minutes = state.seconds(self.wall_clock()) / 60
        raise GateFailed(
            f"the watch of release {state.version} was stopped after {minutes:.0f} of {self.times.minutes:g} minutes."
            " The release serves, and nothing was changed; the same command goes on watching"
        )

    def _look(self, state: WatchState, opening: _Opening) -> None:
        """Look once. Sets the cause where the release is certainly bad, or the end where there is one."""
        stand, why = self._stand()
        now = self.wall_clock()
        passed = (now - state.looked_at).total_seconds()
        state.looked_at = now
        if stand is Stand.GONE:
            state.end, state.reason = End.REPLACED, why
            return
        if state.seconds(now) >= 60 * self.times.minutes:
            self._time_is_up(state, now)
            return
        if stand is Stand.ASIDE:
            # Begun anew afterwards: what is seen meanwhile is the work of that run.
            opening.close()
            state.aside_seconds += passed
            self._say(f"stands aside: {why}")
            return
        verdicts = opening.get().look()
        seen_again = state.see(verdicts, min(passed, LONGEST_LOOK_SECONDS), now)
        failed = next((name for name, found in verdicts.items() if found.kind is Kind.FAIL), None)
        if failed is not None:
            found = verdicts[failed]
            state.cause = f"{failed}: {found.reason}"
            state.hurt = int(found.numbers["bad"]) if "bad" in found.numbers else None
            self.ending.verdict = found
            self.reporter.line(f"watch: FAIL: {state.cause}")
            return
        self._taking_back_since = None
        self._tell_people(state, verdicts, seen_again, now)
        self._show(state, verdicts, now)
        self._keep_sometimes(state)

    def _stand(self) -> tuple[Stand, str]:
        try:
            return self.serving.look()
        except (ClusterError, Unreachable):
            # Whether it still serves is looked at again before anything is taken back.
            return Stand.SERVES, ""

    def _take_back(self, state: WatchState) -> None:
        now = self.clock.now()
        self._taking_back_since = now if self._taking_back_since is None else self._taking_back_since
        try:
            self.taking_back.run(state)
        except NotNow as error:
            self._say(f"the release cannot be taken back now: {error}")
            if now - self._taking_back_since >= LONGEST_TAKING_BACK_SECONDS:
                state.end, state.reason = End.STAYED, f"it could not be taken back: {error}"
                state.outcome = f"{Kind.UNREACHABLE}: {state.reason}"
            elif not state.to:
                # What was seen may be over by the time it can be: it is judged anew.
                state.cause, state.hurt = "", None

    def _time_is_up(self, state: WatchState, now: datetime) -> None:
        due = SEEN_SHARE * (60 * self.times.minutes - state.aside_seconds)
        enough = bool(state.signals) and state.least_seen_seconds() >= due
        state.end = End.WATCHED if enough else End.UNSEEN
        unclear = [
            f"{name}: {sight.kind}: {sight.reason}" for name, sight in state.signals.items() if sight.kind != "PASS"
        ]
        state.reason = "; ".join([state.sight_in_words(now), *unclear])

    def _tell_people(
        self, state: WatchState, verdicts: Mapping[str, Verdict], seen_again: list[str], now: datetime
    ) -> None:
        blind = state.newly_blind(self.times.blind_minutes, now)
        if blind:
            found = verdicts[blind[0]]
            reason = f"blind for {self.times.blind_minutes:g} minutes: {', '.join(blind)} ({found.reason})"
            self.ending.note(found.kind, f"{reason}; nothing is taken back for that, and nothing counts as good")
        if seen_again:
            self.ending.note(Kind.PASS, f"sees again: {', '.join(seen_again)}")
        for name in TOLD_ONCE:
            found_once = verdicts.get(name)
            if found_once is not None and found_once.kind is Kind.TOO_FEW:
                text = f"{name}: {found_once.reason}"
                if state.is_news(text):
                    self.ending.note(found_once.kind, text, details=found_once.details)
        self.ending.patterns = verdicts["logs"].details if "logs" in verdicts else ()

    def _show(self, state: WatchState, verdicts: Mapping[str, Verdict], now: datetime) -> None:
        unclear = [f"{name}: {found}" for name, found in verdicts.items() if found.kind is not Kind.PASS]
        text = "; ".join(unclear) or f"{len(verdicts)} of {len(verdicts)} signals are good"
        line = f"watch: {state.seconds(now) / 60:.0f} of {self.times.minutes:g} min: {text}"
        every = max(SHORTEST_PROGRESS_SECONDS, 60 * self.times.minutes / LINES_OF_PROGRESS)
        if self.clock.now() - self._shown_at >= every:
            self._shown_at = self.clock.now()
            self.reporter.line(line)
        else:
            self.reporter.live(line)

    def _say(self, text: str) -> None:
        """Say it as long as it is new; what stays as it is, is shown and not said again."""
        tell = self.reporter.live if text == self._told else self.reporter.line
        self._told = text
        tell(f"watch: {text}")

    def _keep_sometimes(self, state: WatchState) -> None:
        if self.clock.now() - self._kept_at >= KEPT_EVERY_SECONDS:
            self._kept_at = self.clock.now()
            self._keep(state)

    def _keep(self, state: WatchState) -> None:
        try:
            self.record.keep(state)
        except (ClusterError, Unreachable) as error:
            self._say(f"how far it has come is not recorded: {error}")


class _Opening:
    """The instruments while they are needed: opened at the first look, and anew after each time they were closed."""

    def __init__(self, instruments: Callable[[], AbstractContextManager[Instruments]]) -> None:
        self._instruments = instruments
        self._stack = ExitStack()
        self._open: Instruments | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def get(self) -> Instruments:
        """Return the instruments."""
        if self._open is None:
            self._open = self._stack.enter_context(self._instruments())
        return self._open

    def close(self) -> None:
        """Let them go, and all that they have counted."""
        self._open = None
        self._stack.close()
