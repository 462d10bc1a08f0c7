"""A migration counts as reviewed only by the approval of exactly the SQL that was planned for this very image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from checks.compatibility import Compatibility
from checks.migration_lint import Linter, LintError, run_squawk
from checks.migration_plan import MigrationPlan
from cluster.approval.approvals import Approvals
from cluster.migration.record import LONGEST_SQL_BYTES, SQL_KEY, MigrationRecord
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases
from concerns.migration import MigrationSettings, MigrationWaiver
from evidence.checklist.migration_files import MigrationFiles
from evidence.checklist.migration_item import migration_prover
from evidence.checklist.proof import Proof, State
from tests.cluster.api_server import ApiServer, template
from tests.evidence.checklist.services import NOW, ago, away, says_what_closes, wall_clock
from tests.evidence.checkouts import commit, git
from tests.recorded import IMAGE, NAME

VERSION = "v2024.05.14"
ADDS = """BEGIN;

-- Running upgrade 0003 -> 0004

ALTER TABLE releases ADD COLUMN owner TEXT;

COMMIT;
"""
DROPS = ADDS.replace("ADD COLUMN owner TEXT", "DROP COLUMN approved")
RECORD = f"{NAME}-migration-plan"
PLAN_IT, APPROVE = "make migration-plan STACK=prod", "make approve STACK=prod MIGRATION="


def plan_of(sql: str) -> MigrationPlan:
    return MigrationPlan("0003", "0004", ("0004",), sql) if sql else MigrationPlan("0004", "0004")


def planned(sql: str = ADDS, *, image: str = IMAGE) -> ApiServer:
    """Return a cluster with the record of a plan of `image`."""
    server = ApiServer()
    MigrationRecord(server.cluster(), NAME).write(
        plan_of(sql),
        image=image,
        version="prod-abc1234",
        findings=(),
        compatibility=Compatibility(),
        approval=None,
        at=ago(hours=1),
    )
    return server


def approve(server: ApiServer, sql: str = ADDS, by: str = "ann") -> None:
    Approvals(server.cluster(), NAME, (by,)).approve("migration", plan_of(sql).sha256, by, ago(minutes=30))


def waiver(until: date) -> MigrationWaiver:
    return MigrationWaiver(rule="ban-drop-column", revision="0004", by="ben", until=until, reason="unused")


def prove(
    server: ApiServer,
    *,
    image: str | None = IMAGE,
    files: MigrationFiles | None = None,
    mode: str = "safe",
    waivers: Sequence[MigrationWaiver] = (),
    linter: Linter = run_squawk,
) -> Proof:
    settings = MigrationSettings.model_validate(
        {
            "mode": mode,
            "command": ("alembic", "upgrade", "head"),
            "timeout_seconds": 60,
            "waivers": tuple(each.model_dump() for each in waivers),
        }
    )
    return migration_prover(
        settings,
        cluster=server.cluster(),
        deployment=NAME,
        approvers=("ann",),
        stack="prod",
        version=VERSION,
        image=image,
        files=files,
        wall_clock=wall_clock,
        linter=linter,
    )()


def test_mode_head_needs_no_review_and_asks_nobody() -> None:
    server = ApiServer()
    assert prove(server, image=None, mode="head").state is State.PROVEN
    assert server.requests == []


def test_exactly_the_approved_sql_is_proven() -> None:
    server = planned()
    approve(server)
    proof = prove(server)
    sha256 = hashlib.sha256(ADDS.encode()).hexdigest()
    assert (proof.state, proof.source) == (State.PROVEN, f"ConfigMap {RECORD}")
    what = "1 revision (0004) after 0003; 1 finding of the linter"
    assert proof.value == f"SQL {sha256[:12]} is approved by ann at 2024-05-14 09:00 UTC: {what}"
    assert proof.seen == "planned 1 h 0 min ago"
    assert {request.method for request in server.requests[-2:]} == {"GET"}


def test_sql_that_nobody_or_not_the_right_one_approved_is_missing_with_the_command() -> None:
    nobody, other, stranger = planned(), planned(), planned()
    approve(other, ADDS.replace("owner", "possessor"))
    approve(stranger, by="eve")
    for server in (nobody, other, stranger):
        proof = prove(server)
        assert says_what_closes(proof, State.MISSING)
        assert f"{APPROVE}{plan_of(ADDS).sha256} BY=<name>" in proof.closes


def test_nothing_pending_needs_no_approval() -> None:
    proof = prove(planned(""))
    assert (proof.state, proof.value) == (State.PROVEN, "nothing is pending, the database is at 0004")


@pytest.mark.parametrize("server", [ApiServer(), planned(image=IMAGE.replace("4f", "5e"))])
def test_what_was_not_planned_is_what_the_update_stops_at(server: ApiServer) -> None:
    """Only the release's own image knows its SQL, and only the update builds it."""
    assert is_the_updates_own_stop(prove(server))


def is_the_updates_own_stop(proof: Proof) -> bool:
    """Whether nothing more is proven than that the update stops at SQL that nobody has approved."""
    return proof.state is State.PROVEN and "the update itself stops at SQL that nobody has approved" in proof.value


def test_an_image_that_is_not_built_has_nothing_of_what_was_planned_for_another() -> None:
    server = planned()
    approve(server)
    proof = prove(server, image=None)
    assert is_the_updates_own_stop(proof)
    assert "approved by" not in proof.value


def test_sql_that_breaks_the_running_version_is_missing_although_it_is_approved() -> None:
    server = planned(DROPS)
    approve(server, DROPS)
    proof = prove(server)
    assert says_what_closes(proof, State.MISSING)
    assert "refused: ban-drop-column (0004" in proof.value
    assert "migration.waivers" in proof.closes


def test_a_waiver_lets_it_until_its_last_day() -> None:
    server = planned(DROPS)
    approve(server, DROPS)
    proof = prove(server, waivers=[waiver(NOW.date())])
    assert (proof.state, proof.until) == (State.PROVEN, "2024-05-14")
    assert "waived by ben until 2024-05-14 (unused): ban-drop-column" in proof.value
    proof = prove(server, waivers=[waiver(NOW.date() - timedelta(days=1))])
    assert says_what_closes(proof, State.EXPIRED)
    assert "Its waiver has expired" in proof.value


def test_a_record_whose_sql_was_changed_is_missing() -> None:
    server = planned()
    approve(server)
    server.config_maps[RECORD]["data"][SQL_KEY] = ADDS.replace("owner", "another")
    proof = prove(server)
    assert says_what_closes(proof, State.MISSING)
    assert "the SQL whose hash it names" in proof.value


def test_sql_that_is_too_long_for_the_record_cannot_be_reviewed_in_it() -> None:
    long = ADDS + "-- x\n" * (LONGEST_SQL_BYTES // 5)
    server = planned(long)
    approve(server, long)
    assert says_what_closes(prove(server), State.MISSING)


def test_a_linter_that_does_not_run_leaves_it_unknown() -> None:
    def broken(_sql: str) -> object:
        raise LintError("squawk does not run")

    server = planned()
    approve(server)
    assert says_what_closes(prove(server, linter=broken), State.UNKNOWN)  # type: ignore[arg-type]


def test_a_cluster_that_is_away_or_a_damaged_record_leaves_it_unknown() -> None:
    assert says_what_closes(prove(ApiServer(fails=away)), State.UNKNOWN)
    html = ApiServer(fails=lambda _request: httpx.Response(200, text="<html>"))
    assert says_what_closes(prove(html), State.UNKNOWN)
    for key, value in (("revisions", "["), ("revisions", "1"), ("sha256", None), ("image", None)):
        server = planned()
        data = server.config_maps[RECORD]["data"]
        data.pop(key) if value is None else data.update({key: value})
        proof = prove(server)
        assert is_the_updates_own_stop(proof) or says_what_closes(proof, State.UNKNOWN)
        assert "approved by" not in proof.value
    approvals = planned()
    approve(approvals)
    data = approvals.config_maps[f"{NAME}-approvals"]["data"]
    data.update(dict.fromkeys(data, "{"))
    assert says_what_closes(prove(approvals), State.UNKNOWN)


def verified(server: ApiServer, revision: str) -> None:
    release = Release(version="v2024.05.13", image=IMAGE, configuration="c0ffee", revision=revision)
    VerifiedReleases(server.cluster(), NAME).add(
        VerifiedRelease(release=release, verified_at=ago(days=1), template=template("v1"), records={})
    )


@pytest.fixture
def migrated(checkout: Path) -> Path:
    """Return an application directory with a migration, committed."""
    app = checkout / "app"
    (app / "migrations").mkdir()
    (app / "migrations" / "0003.py").write_text("revision = '0003'\n")
    (app / "alembic.ini").write_text("[alembic]\n")
    commit(checkout)
    return app


def by_git(app: Path, revision: str, *files: str, image: str | None = None) -> Proof:
    server = ApiServer()
    verified(server, revision)
    return prove(server, image=image, files=MigrationFiles(app, files or ("migrations", "alembic.ini")))


def test_a_release_that_changes_no_migration_is_proven_by_git_before_its_image_is_built(migrated: Path) -> None:
    before = git(migrated, "rev-parse", "HEAD")
    (migrated / "main.py").write_text("print(2)\n")
    commit(migrated)
    proof = by_git(migrated, before)
    assert (proof.state, proof.source) == (State.PROVEN, "git")
    assert proof.value == "the release changes no migration: git says so since v2024.05.13, verified last"
    assert by_git(migrated, before, image=IMAGE).state is State.PROVEN


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", ["migrations/0003.py", "migrations/0004.py", "alembic.ini"])
def test_a_release_that_changes_a_migration_has_to_be_planned(migrated: Path, name: str, *, committed: bool) -> None:
    before = git(migrated, "rev-parse", "HEAD")
    (migrated / name).write_text("revision = '0004'\n")
    if committed:
        commit(migrated)
    assert is_the_updates_own_stop(by_git(migrated, before))
    assert is_the_updates_own_stop(by_git(migrated, before, image=IMAGE))


def test_git_that_cannot_tell_proves_nothing(migrated: Path, tmp_path: Path) -> None:
    before = git(migrated, "rev-parse", "HEAD")
    for revision in ("", "0" * 40, "--output=x", before[:7]):
        assert is_the_updates_own_stop(by_git(migrated, revision))
    assert is_the_updates_own_stop(by_git(migrated, before, "no-such-directory"))
    assert is_the_updates_own_stop(by_git(migrated, before, "migrations", "no-such-file"))
    assert not MigrationFiles(migrated, ("migrations",)).unchanged_since(None)
    assert not (tmp_path / "x").exists()
    server = ApiServer()
    assert is_the_updates_own_stop(prove(server, image=None, files=MigrationFiles(migrated, ("migrations",))))


def test_the_plan_of_this_very_image_counts_before_git(migrated: Path) -> None:
    server = planned()
    verified(server, git(migrated, "rev-parse", "HEAD"))
    assert says_what_closes(prove(server, files=MigrationFiles(migrated, ("migrations",))), State.MISSING)
