"""The list of steps while a verification runs: the one line that is renewed as it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.verdict import Kind
from checks.waiting import Clock, Reporter

LONGEST_WORD = 160


@dataclass
class Progress:
    """Shows the list of steps, each with its state and time, when a step begins and with what it tells meanwhile."""

    told: Reporter
    clock: Clock
    _steps: dict[str, str] = field(default_factory=dict, init=False)
    _running: tuple[str, float] | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)

    @property
    def reporter(self) -> Reporter:
        """A reporter whose live lines begin with the list while a step runs; at any other time it adds nothing."""
        return Reporter(line=self.told.line, live=self._live)

    def begins(self, steps: Sequence[str]) -> None:
        """Begin with these steps, none of them taken yet."""
        self._steps = dict.fromkeys(steps, "")
        self._began = self.clock.now()
        self.told.line(f"verification: {len(steps)} steps: {', '.join(steps)}")

    def step_begins(self, name: str) -> None:
        """Note that the step runs."""
        self._running = (name, self.clock.now())
        self._live("")

    def step_ends(self, name: str, kind: Kind, seconds: float) -> None:
        """Note how the step ended."""
        self._running = None
        self._steps[name] = f"{'ok' if kind is Kind.PASS else kind} {seconds:.0f} s"

    def _live(self, text: str) -> None:
        if self._running is None:
            self.told.live(text)
            return
        running, since = self._running
        if text.startswith(f"{running}: "):
            # What a script prints stands line by line under the list, without it.
            self.told.live(text)
            return
        now = self.clock.now()
        states = {**self._steps, running: f"{now - since:.0f} s"}
        shown = [f"{'> ' if name == running else ''}{name} {state}".rstrip() for name, state in states.items()]
        told = f" | {text[:LONGEST_WORD]}" if text else ""
        self.told.live(f"verification, {now - self._began:.0f} s: {' | '.join(shown)}{told}")
