"""The command line of continuous delivery: behind `make preview-events`, `make save-plan`, `make release`, others."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from checks.reader import Unreachable
from cluster.access import connect
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.history.history import History
from cluster.releases import VerifiedReleases
from commands.delivery.approval import take_approval
from commands.delivery.deploying import Deploying
from commands.delivery.drift import Drift
from commands.delivery.engine import Engine
from commands.delivery.errors import MEND, DeliveryError
from commands.delivery.places import ORDER, Places
from commands.delivery.preview import check, migration_text, post, preview_events, report
from commands.delivery.record import record
from commands.delivery.sign_in import cluster_token, sign_in
from commands.delivery.surroundings import Surroundings
from commands.delivery.which_stack import which_stack
from commands.encrypted import read_stack_whole
from commands.release import Names, Releasing
from commands.release_file import told
from evidence.errors import EvidenceError
from gates import Gates
from notify.sending import NotTold
from reports.preview.events import EventsError
from settings import Settings, SettingsError, read_stack

EXPECTED = (DeliveryError, SettingsError, EvidenceError, ClusterError, Unreachable, NotTold, EventsError)
# By the options of `release`: what each says.
_SAID = {
    "minutes": "estimated_minutes",
    "rollback": "rollback",
    "breaking": "breaking",
    "architecture": "architecture",
    "critical": "critical",
    "announcement": "announcement",
    "plan": "plan",
}

Run = Callable[[argparse.Namespace, Surroundings], list[str]]


def _which_stack(_: argparse.Namespace, around: Surroundings) -> list[str]:
    return which_stack({stack: read_stack(stack).release for stack in ORDER}, around)


def _preview_events(arguments: argparse.Namespace, _: Surroundings) -> list[str]:
    return preview_events(Engine(arguments.stack), Places().of(arguments.stack), untagged=arguments.untagged)


def _migration_text(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    return migration_text(arguments.stack, Places().of(arguments.stack), around)


def _deploying(arguments: argparse.Namespace, around: Surroundings) -> Deploying:
    stack = arguments.stack
    return Deploying(Engine(stack), read_stack(stack), Places().of(stack), around, lambda: datetime.now(UTC))


def _approval(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    settings, now = read_stack_whole(arguments.stack, print), datetime.now(UTC).replace(microsecond=0)
    cluster, find_image = _connected(settings), Gates(settings).images.find
    return take_approval(settings, cluster, arguments.stack, around, find_image, migration=arguments.migration, at=now)


def _record(arguments: argparse.Namespace, _: Surroundings) -> list[str]:
    settings = read_stack(arguments.stack)
    history = History(_connected(settings), settings.application.deployment)
    return record(history, Places().of(arguments.stack))


def _drift(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    settings, stack = read_stack(arguments.stack), arguments.stack
    releases = VerifiedReleases(_connected(settings), settings.application.deployment)
    return Drift(stack, Places().of(stack), releases, around, lambda checkout: Engine(stack, checkout)).look()


def _sign_in(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    return sign_in(read_stack(arguments.stack).cluster, around, Places())


def _release(arguments: argparse.Namespace, _: Surroundings) -> list[str]:
    settings = read_stack(arguments.stack)
    names = Names.of(settings.release, arguments.stack, datetime.now(UTC))
    said = {field: getattr(arguments, option) for option, field in _SAID.items()}
    releasing = Releasing(Path.cwd(), arguments.stack, names, ask=input if sys.stdin.isatty() else None)
    try:
        known = told(said)
    except ValueError as error:
        raise DeliveryError(f"{error}; nothing was changed") from None
    return releasing.run(known, push=arguments.push)


def _verify_plan(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    return _deploying(arguments, around).verify_plan(arguments.plan)


def _apply_plan(arguments: argparse.Namespace, around: Surroundings) -> list[str]:
    return _deploying(arguments, around).apply_plan(arguments.plan)


def _connected(settings: Settings) -> Cluster:
    wanted = settings.cluster
    return connect(wanted.kubeconfig, wanted.context, wanted.namespace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m commands.delivery", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, text: str, run: Run, *, stack: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        if stack:
            command.add_argument("--stack", required=True)
        return command

    events = add("preview-events", "keep the engine's events of a preview", _preview_events)
    events.add_argument("--untagged", action="store_true", help="as if the commit had the tag that it will get later")
    add("preview-migration", "keep what migration-plan says", _migration_text)
    add("preview-report", "make the comment of what was kept", lambda _, around: report(Places(), around), stack=False)
    add("preview-comment", "post the comment", lambda _, around: post(Places(), around), stack=False)
    add("preview-check", "fail where the change is at fault", lambda _, _around: check(Places()), stack=False)
    add("which-stack", "tell which stack a push is for", _which_stack, stack=False)
    add("deploy", "update the stack", lambda given, around: _deploying(given, around).deploy())
    add("save-plan", "make a plan and its seal", lambda given, around: _deploying(given, around).save_plan())
    for planned in (
        add("verify-plan", "look whether a plan is the approved one", _verify_plan),
        add("apply-plan", "update the stack by the approved plan", _apply_plan),
    ):
        planned.add_argument("--plan", required=True, metavar="SHA256", help="of the seal that was approved")
    approving = add("take-approval", "record who let this run into its environment", _approval)
    approving.add_argument("--migration", default="", metavar="SHA256", help="of the SQL that is approved with it")
    add("record", "gather what is kept of the last release", _record)
    add("drift", "look whether the cluster is as the last release left it", _drift)
    add("sign-in", "sign in to the cluster", _sign_in)
    add("cluster-token", "print a token for the cluster", lambda _, around: cluster_token(around), stack=False)
    releasing = add("release", "make branch, tag and file of a release", _release)
    releasing.add_argument("--push", action="store_true", help="push all of it at once")
    for option in _SAID:
        releasing.add_argument(f"--{option}", default="", metavar="TEXT")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a person's mistake gives what is wrong and its mend and status 1, never a traceback."""
    parsed = _parser().parse_args(arguments)
    try:
        lines: list[str] = parsed.run(parsed, Surroundings(dict(os.environ)))
    except EXPECTED as error:
        what, _, mend = str(error).partition(MEND)
        print(f"error: {what}" + (f"\nto mend it: {mend}" if mend else ""), file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("\nstopped by you; the same command begins anew", file=sys.stderr)
        return 130
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
