"""Lets a release go on once what it declares to watch it with is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.errors import GateFailed
from evidence.checklist.proof import Proof, Prover, State

LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class MonitoringGate:
    """Waits at most `timeout_seconds` until `prove` finds the item closed: by proof, or by a person's word."""

    prove: Prover
    stack: str
    timeout_seconds: int
    reporter: Reporter
    clock: Clock

    def run(self) -> None:
        """Return once the release is watched as it declares. Raises GateFailed."""
        last = Proof(State.UNKNOWN, "", "nobody has looked")

        def look() -> Verdict:
            nonlocal last
            last = self.prove()
            text = f"{last.value} ({last.seen})" if last.seen else last.value
            return Verdict(Kind.PASS if last.state.closed else Kind.NO_DATA, text)

        verdict = wait_for_verdict(
            look,
            waiting_for="monitoring",
            timeout_seconds=self.timeout_seconds,
            interval_seconds=LOOK_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )
        if not last.state.closed:
            raise GateFailed(
                f"the monitoring of {self.stack} was applied, and is not loaded: {verdict.reason}. No pod was moved."
                f" To mend it: {last.closes}"
            )
        self.reporter.line(f"monitoring: {last.state}: {last.value}")
