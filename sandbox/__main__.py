"""The command line behind the Makefile."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from rich.console import Console

from sandbox.errors import SandboxError
from sandbox.existing import Existing
from sandbox.ownership import Ownership
from sandbox.phases import Phases
from sandbox.up import Up
from sandbox.update import Updater
from sandbox.world import World


def _up(arguments: argparse.Namespace) -> Up:
    existing = Existing.named(arguments.context, dict(os.environ)) if arguments.context else None
    return Up(World(), Phases(), arguments.stack, existing)


def up(arguments: argparse.Namespace) -> None:
    """Bring everything up and update the stack."""
    _up(arguments).run()


def prepare(arguments: argparse.Namespace) -> None:
    """Bring everything up without an update."""
    _up(arguments).environment()


def preview(arguments: argparse.Namespace) -> None:
    """Bring everything up and preview the stack."""
    Updater(_up(arguments).environment(), arguments.stack).preview()


def environment(arguments: argparse.Namespace) -> None:
    """Print the shell variables with which `pulumi` can be called by hand."""
    plan = _up(arguments)
    plan.phases.console = Console(stderr=True, highlight=False, soft_wrap=True)
    runner = plan.environment()
    variables = {**runner.environment.variables, **runner.variables}
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    first = [*map(str, runner.environment.first_on_path), str(runner.cli.program.parent)]
    print(f"export PATH={shlex.quote(':'.join(first))}:$PATH")


def watch_image(arguments: argparse.Namespace) -> None:
    """Make the image of the Job that watches a release."""
    _up(arguments).watch_image()


def down(_arguments: argparse.Namespace) -> None:
    """Stop everything that the sandbox started."""
    world, phases = World(), Phases()
    Ownership(world.paths, world.processes).require()
    for service in reversed(world.services()):
        with phases.phase(service.name) as phase:
            service.stop()
            phase.summary = "stopped"
    print(f"data stays in {world.paths.data}, built tools in {world.paths.cache}; the next 'make up' is quick")


def status(_arguments: argparse.Namespace) -> None:
    """Tell what runs."""
    for service in World().services():
        found = service.status()
        print(f"{'runs' if found.running else 'stopped':<8} {found.name:<10} {found.detail}")


COMMANDS = {
    "up": up,
    "prepare": prepare,
    "preview": preview,
    "environment": environment,
    "watch-image": watch_image,
    "down": down,
    "status": status,
}


def main() -> int:
    """Run one command; a person's mistake gives two lines and status 1, never a traceback."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--context", default="", help="use this kube context instead of the sandbox's own cluster")
    arguments = parser.parse_args()
    try:
        COMMANDS[arguments.command](arguments)
    except SandboxError as error:
        print(f"error: {error.what}\nto mend it: {error.mend}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped by you; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
