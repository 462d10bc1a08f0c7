"""The product's own command line, behind `make approve`, `make migration-plan`, `make rollback`, `make history`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from approving import Approving
from checks.alembic import AlembicError
from checks.migration_lint import LintError
from checks.reader import Unreachable
from checks.script import ScriptRunner
from checks.secret_mask import SecretMask
from checks.waiting import Clock, Reporter
from cluster.access import connect
from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import History, who
from cluster.lease.holding import Holding
from cluster.trust import trust
from commands.announce import Plan, announce, slack_token
from commands.approve import approve_migration, approve_release
from commands.checklist import ItemsOpenError, checklist
from commands.drill import Drill
from commands.encrypted import read_stack_whole
from commands.history import history
from commands.migration_plan import existing, migration_plan
from commands.preview_image import preview_image
from commands.rollback import rollback
from concerns.secrets import secret_values
from evidence.checklist.announcement_item import Announcements
from evidence.checklist.candidate import read_candidate
from evidence.checklist.release_file import read_release_file
from evidence.errors import EvidenceError
from evidence.git import read_revision
from evidence.release import read_release
from gates import PROJECT_DIRECTORY, SQL_FILE, Gates
from notify import slack
from notify.sending import NotTold, Sender, client
from settings import Settings, SettingsError, read_stack

_MEND = ". To mend it: "
EXPECTED = (SettingsError, EvidenceError, ClusterError, GateFailed, Unreachable, AlembicError, LintError, NotTold)


def _approve(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    stack, by, at, cluster = arguments.stack, arguments.by, _now(), _connected(settings)
    if arguments.migration is not None:
        return approve_migration(settings, cluster, stack, sha256=arguments.migration, by=by, at=at)
    return approve_release(
        settings,
        Approving(settings, cluster),
        stack,
        Gates(settings).images.find,
        version=arguments.release,
        by=by,
        at=at,
        key=Path(arguments.sign).expanduser() if arguments.sign else None,
    )


def _migration_plan(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    gates = Gates(settings)
    revision = read_revision(Path(settings.image.context))
    tag = revision.tag(settings.environment)
    found = gates.images.existing(revision)
    if found is None and arguments.build:
        with gates.images.registry() as registry:
            image = preview_image(settings, revision, registry)
    else:
        image = existing(found, arguments.stack, tag)
    told = Reporter(line=_tell, live=_tell)
    return migration_plan(
        settings,
        gates.planner(told),
        stack=arguments.stack,
        image=image,
        version=tag,
        file=SQL_FILE,
        today=datetime.now(UTC).date(),
    )


def _rollback(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    gates, told = Gates(settings), Reporter(line=_tell, live=_tell)
    holding = Holding(f"make rollback of {arguments.stack}")
    try:
        cluster = holding.take(_connected(settings), gates.names.deployment, told)
        with gates.rollback(cluster, told, Clock()) as back:
            return rollback(
                back,
                stack=arguments.stack,
                to=arguments.to,
                by=arguments.by or who(),
                wall_clock=lambda: datetime.now(UTC),
            )
    finally:
        holding.release()


def _history(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    return history(History(_connected(settings), settings.application.deployment), arguments.release)


def _drill(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    gates, told, clock = Gates(settings), Reporter(line=_tell, live=_tell), Clock()
    version = read_release(Path(settings.image.context), settings.release).version(settings.environment)
    mask = SecretMask.of(os.environ, secret_values(settings))
    # The whole environment: what runs is the engine, which needs its backend and its passphrase.
    runner = ScriptRunner(PROJECT_DIRECTORY, dict(os.environ), told, clock, mask)
    cluster = _connected(settings)
    with gates.rollback(cluster, told, clock) as back:
        return Drill(
            stack=arguments.stack,
            by=arguments.by or who(),
            settings=settings,
            cluster=cluster,
            names=gates.names,
            update=runner.run,
            health=back.health,
            reporter=told,
            wall_clock=lambda: datetime.now(UTC),
        ).run(version)


def _checklist(_arguments: argparse.Namespace, settings: Settings) -> list[str]:
    gates = Gates(settings)
    image = gates.images.existing(read_revision(Path(settings.image.context)))
    return checklist(gates.checklisting().of_checkout(image), today=datetime.now(UTC).date())


def _announce(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    found = settings.notify.slack
    token = slack_token(settings)
    candidate = read_candidate(Path(settings.image.context), settings.release, settings.environment)
    top = read_release_file(candidate, settings.checklist.release_files).top
    address = str(found.api).rstrip("/") if found is not None else ""
    with client(address, trust(settings.health.ca_file)) as http:
        sender = Sender("Slack", http, Clock(), slack.MEND, temporary=slack.TEMPORARY)
        return announce(
            settings,
            slack.Slack(sender, address, found.channel if found is not None else "", token, {}),
            Announcements(_connected(settings), settings.application.deployment),
            Plan(candidate.version, top.estimated_minutes),
            by=arguments.by or who(),
            wall_clock=lambda: datetime.now(UTC),
        )


def _connected(settings: Settings) -> Cluster:
    wanted = settings.cluster
    return connect(wanted.kubeconfig, wanted.context, wanted.namespace)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m commands", description=__doc__)
    commands = parser.add_subparsers(required=True)
    approving = commands.add_parser("approve", help="approve a release, or the SQL of a migration")
    subject = approving.add_mutually_exclusive_group(required=True)
    subject.add_argument("--migration", metavar="SHA256")
    subject.add_argument("--release", metavar="VERSION")
    approving.add_argument("--by", required=True, metavar="NAME")
    approving.add_argument("--sign", default="", metavar="KEY", help="approve by a file, signed with this SSH key")
    approving.set_defaults(run=_approve)
    planning = commands.add_parser("migration-plan", help="show the SQL of the pending migrations")
    planning.add_argument("--build", action="store_true", help="build the image where the registry has none yet")
    planning.set_defaults(run=_migration_plan)
    going_back = commands.add_parser("rollback", help="go back to a verified release")
    going_back.add_argument("--to", metavar="VERSION", help="a verified one; without it the one before what serves")
    going_back.add_argument("--by", metavar="NAME", help="who does it; without it the user of this machine or CI run")
    going_back.set_defaults(run=_rollback)
    looking_back = commands.add_parser("history", help="show the record of the releases")
    looking_back.add_argument("--release", type=int, metavar="NUMBER", help="one of them, from beginning to end")
    looking_back.set_defaults(run=_history)
    rehearsing = commands.add_parser("drill", help="release what is bad on purpose, and see it taken back")
    rehearsing.add_argument("--by", metavar="NAME", help="who does it; without it the user of this machine or CI run")
    rehearsing.set_defaults(run=_drill)
    announcing = commands.add_parser("announce", help="tell the stakeholders in Slack when the release goes out")
    announcing.add_argument("--by", metavar="NAME", help="who does it; without it the user of this machine or CI run")
    announcing.set_defaults(run=_announce)
    listing = commands.add_parser("checklist", help="show how the items of the checklist stand for what is checked out")
    listing.set_defaults(run=_checklist)
    for each in (approving, planning, going_back, looking_back, rehearsing, announcing, listing):
        each.add_argument("--stack", required=True)
        # Those that sign in to somebody's service: the registry, the forge, Slack, PagerDuty.
        each.set_defaults(whole=each in {approving, planning, announcing, listing})
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a person's mistake gives what is wrong and its mend and status 1, never a traceback."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = read_stack_whole(parsed.stack, _tell) if parsed.whole else read_stack(parsed.stack)
        lines: list[str] = parsed.run(parsed, settings)
    except ItemsOpenError as found:
        print(found)
        return 1
    except EXPECTED as error:
        what, _, mend = str(error).partition(_MEND)
        _tell(f"error: {what}" + (f"\nto mend it: {mend}" if mend else ""))
        return 1
    except KeyboardInterrupt:
        _tell("\nstopped by you; the same command begins anew")
        return 130
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
