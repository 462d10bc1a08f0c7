"""How soon a bad canary is found: on the sandbox under load, and in simulation. `make bench-canary` runs it.

On the sandbox the stack prod (9 replicas, steps 10/50/100, limits of Pulumi.prod.yaml) gets releases that differ in
their environment alone, by the same `pulumi up` as a user's, under a load of `--rate` requests a second that goes on
whatever is answered (connections are kept). Everything is measured from the load's own answers, each of which names
the version that gave it. A release is bad with 100, 5 or 1 % errors, or takes twice as long as the route usually does
(which is measured first), far below any limit. `other failures` are failed requests that the bad version is not to
blame for: there must be none.

The plain rolling update that it is compared with is a Deployment beside production (see canary_rolling.py), not the
stack with another strategy: that one ends in a verification that goes back, so it is no plain update. Its bad version
is never taken away, since probes do not see what users see. So it is run once for each case, and its figures are those
of one minute from the first bad answer.

The simulation compares the rule that is used with two others on the same simulated requests. It takes some minutes, as
does each case on the sandbox; `--only`, `--runs`, `--sandbox-only` and `--simulation-only` choose. In the end
production serves the good version that the bench began with, verified.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import canary_simulation
from bench.canary_cases import PLAIN, TO_BEAT, TO_BEAT_HUNG, chosen, fault_of
from bench.canary_figures import Run, Summary, exposure, summary
from bench.canary_hung import HungServer
from bench.canary_rolling import PlainRolling
from bench.canary_stack import Production
from bench.canary_table import compared, measured
from sandbox.errors import SandboxError
from sandbox.load.account import account
from sandbox.world import World
from tests.e2e.rules import unloaded

WIDTH = 150
LOG = Path(tempfile.gettempdir()) / "release-manager-bench-canary.log"
USUAL_SECONDS = 10.0
HIGHEST_RATE = 1000
MOST_RUNS = 100
MOST_SIMULATED = 1_000_000


@dataclass(frozen=True)
class Bench:
    """Measures cases on the stack `production`: each canary `runs` times, at `rate` requests a second.

    `settings` are laid over those of the releases that are bad.
    """

    production: Production
    runs: int
    rate: int
    settings: Mapping[str, Any]
    console: Console

    def measure(self, cases: Sequence[str]) -> list[Summary]:
        """Make a good release, measure each case, and leave the good release as it was. Raises SandboxError."""
        started = time.monotonic()
        found = account(self.production.release_good(self.rate))
        self._say(
            f"good release {self.production.good}: {time.monotonic() - started:.0f} s, {found.bad} of {found.total:,}"
            f" requests failed, p99 {1000 * found.latency_seconds[0.99]:.0f} ms"
        )
        try:
            usual = self.production.usual_seconds(self.rate, USUAL_SECONDS)
            self._say(f"the route usually takes {1000 * usual:.1f} ms")
            return [
                self._rolling(name, usual) if name.startswith(PLAIN) else self._canary(name, usual) for name in cases
            ]
        finally:
            self._say("putting the good version back")
            self.production.be_good_again()
            self._say(f"{self.production.good} serves, verified")

    def _canary(self, name: str, usual_seconds: float) -> Summary:
        fault, runs = fault_of(name), list[Run]()
        for number in range(1, self.runs + 1):
            started = time.monotonic()
            release = self.production.release_bad(fault.environment(usual_seconds), self.rate, self.settings)
            runs.append(Run(exposure(release.answers, release.version, fault.is_bad), release.taken_back_at))
            self._tell(f"{name}, {number} of {self.runs}, {time.monotonic() - started:.0f} s", runs[-1])
        return summary(name, runs)

    def _rolling(self, name: str, usual_seconds: float) -> Summary:
        fault, stack = fault_of(name), self.production.stack
        plain = PlainRolling(stack.world, stack.namespace, stack.deployment)
        with plain.standing():
            found = plain.update(fault.environment(usual_seconds), fault.is_bad, self.rate)
        self._tell(name, Run(found, None))
        return summary(name, [Run(found, None)])

    def _tell(self, name: str, run: Run) -> None:
        found = run.exposure
        taken = "not taken back" if run.step is None else f"taken back at step {run.step}"
        self._say(
            f"{name}: {found.bad:,} bad answers in {found.seconds:.2f} s, off after {found.off_seconds:.2f} s, {taken};"
            f" {found.lost} of {found.total:,} failed otherwise"
        )

    def _say(self, text: str) -> None:
        self.console.print(f"{text} (load of the machine {os.getloadavg()[0]:.1f})", soft_wrap=True)


def on_the_sandbox(
    arguments: argparse.Namespace, cases: Sequence[str], settings: Mapping[str, Any], console: Console
) -> list[Summary]:
    """Measure each case on the sandbox. Raises SandboxError."""
    with tempfile.TemporaryDirectory(prefix="release-manager-bench-canary-") as place, LOG.open("w") as log:
        production = Production.open(World(), Path(place), log)
        console.print(f"what pulumi prints goes to {LOG}")
        with unloaded(production.stack):
            return Bench(production, arguments.runs, arguments.rate, settings, console).measure(cases)


@contextmanager
def _prometheus(console: Console, *, hung: bool) -> Iterator[Mapping[str, Any]]:
    """Give the settings of Prometheus: those of the sandbox, or a server that never answers."""
    if not hung:
        yield {}
        return
    with HungServer() as server:
        console.print(f"Prometheus hangs: {server.url} takes every connection and never answers")
        yield {"prometheus": {"url": server.url}}


def simulated(arguments: argparse.Namespace, console: Console) -> None:
    """Run the simulation and print its table."""
    console.print(f"simulating {arguments.simulated_runs:,} gates at each rate")
    console.print(canary_simulation.table(canary_simulation.run(arguments.simulated_runs)))


def run(arguments: argparse.Namespace, cases: Sequence[str], console: Console) -> None:
    """Measure what is asked for and print it."""
    if not arguments.simulation_only:
        with _prometheus(console, hung=arguments.prometheus_hung) as settings:
            rows = on_the_sandbox(arguments, cases, settings, console)
        console.print(measured(rows, arguments.rate))
        console.print(compared(rows, TO_BEAT_HUNG if arguments.prometheus_hung else TO_BEAT))
    if not arguments.sandbox_only:
        simulated(arguments, console)


def main() -> int:
    """Run it; a person's mistake gives two lines and status 1, never a traceback."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.canary", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="of each canary")
    parser.add_argument("--rate", type=int, default=200, help="requests a second")
    parser.add_argument("--only", default="", help="cases, between commas")
    parser.add_argument("--prometheus-hung", action="store_true", help="Prometheus takes connections, never answers")
    parser.add_argument("--simulated-runs", type=int, default=10_000, help="gates in the simulation, at each rate")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--simulation-only", action="store_true")
    which.add_argument("--sandbox-only", action="store_true")
    arguments = parser.parse_args()
    for name, most in (("runs", MOST_RUNS), ("rate", HIGHEST_RATE), ("simulated-runs", MOST_SIMULATED)):
        value = getattr(arguments, name.replace("-", "_"))
        if not 1 <= value <= most:
            parser.error(f"--{name} is {value}: allowed is 1 to {most:,}")
    try:
        cases = chosen(arguments.only)
    except ValueError as error:
        parser.error(str(error))
    # Told to end, as by Ctrl-C, it still puts production back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(arguments, cases, Console(width=WIDTH, highlight=False))
    except SandboxError as error:
        print(f"error: {error.what}\nto mend it: {error.mend}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped by you", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
