"""`make load`: a constant load on a stack of the sandbox, and what it came to."""

from __future__ import annotations

import argparse
import sys

from sandbox.errors import SandboxError
from sandbox.load.account import account
from sandbox.load.load import Load
from sandbox.load.target import Target
from sandbox.phases import Phases
from sandbox.world import World

PROGRESS_SECONDS = 1.0


def run(arguments: argparse.Namespace) -> None:
    """Build the generator where it is missing, send the load, and print its account."""
    world, phases = World(), Phases()
    target = Target.of_stack(arguments.stack, world.paths)
    with phases.phase("load generator") as phase:
        vegeta = world.vegeta(phase.progress)
        phase.summary = f"vegeta {vegeta.version}"
    load = Load(
        vegeta.program,
        target,
        rate=arguments.rate,
        seconds=arguments.seconds,
        new_connections=arguments.new_connections,
    )
    with phases.phase("load") as phase:
        phase.summary = f"{target.url}, {arguments.rate} a second"
        try:
            with load:
                while not load.wait(PROGRESS_SECONDS):
                    phase.progress(f"{load.count} requests")
        except KeyboardInterrupt:
            phase.summary += ", stopped by you"
    print(*account(load.results()).lines(), sep="\n")


def main() -> int:
    """Run it; a person's mistake gives two lines and status 1, never a traceback."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.load", description=__doc__)
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--rate", type=int, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--new-connections", action="store_true", help="a connection for each request")
    try:
        run(parser.parse_args())
    except SandboxError as error:
        print(f"error: {error.what}\nto mend it: {error.mend}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
