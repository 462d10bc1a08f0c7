"""In safe mode no SQL is run that nobody has approved, and none that breaks the version that runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from checks.migration_lint import LintError, Output, run_squawk
from cluster.approval.approvals import Approvals
from cluster.errors import GateFailed
from cluster.migration.plan_gate import FINDINGS_SHOWN, MigrationPlanGate
from cluster.migration.planner import MigrationPlanner
from cluster.migration.record import LONGEST_SQL_BYTES, MigrationRecord
from concerns.migration import MigrationWaiver
from tests.cluster.alembic_image import SQL, AlembicImage, Says
from tests.cluster.api_server import ApiServer
from tests.cluster.migration.test_planner import APPLICATION
from tests.fake_time import FakeTime, Told
from tests.recorded import IMAGE

NOW = datetime(2024, 5, 14, 23, 59, tzinfo=UTC)
SHA = hashlib.sha256(SQL.encode()).hexdigest()
RECORD = "release-manager-staging-migration-plan"
NAME = "release-manager-staging"
DROPS = SQL.replace("ADD COLUMN owner TEXT", "DROP COLUMN approved")


def waiver(until: date, **changes: str) -> MigrationWaiver:
    values = {"rule": "ban-drop-column", "revision": "0004", "by": "ana", "reason": "unused since v1"}
    return MigrationWaiver.model_validate({**values, **changes, "until": until})


class Case:
    """One stack in memory; `run` is one update."""

    def __init__(self, directory: Path, sql: str = SQL, *waivers: MigrationWaiver) -> None:
        self.image = AlembicImage(directory, sql=Says(sql))
        self.server: ApiServer = self.image.server()
        self.file = directory / "migration-output.sql"
        self.waivers = waivers
        self.told = Told()
        self.linter: Callable[[str], Output] = run_squawk

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.server.cluster(), NAME, ("ana",))

    @property
    def record(self) -> dict[str, str]:
        data: dict[str, str] = self.server.config_maps[RECORD]["data"]
        return data

    def approve(self, sha256: str = SHA) -> None:
        self.approvals.approve("migration", sha256, "ana", NOW)

    def run(self) -> None:
        cluster = self.server.cluster()
        MigrationPlanGate(
            planner=MigrationPlanner(
                cluster=cluster,
                application=APPLICATION,
                alembic=(str(self.image.program),),
                timeout_seconds=60,
                reporter=self.told.reporter,
                clock=FakeTime().clock,
            ),
            approvals=self.approvals,
            record=MigrationRecord(cluster, NAME),
            waivers=self.waivers,
            stack="staging",
            file=self.file,
            reporter=self.told.reporter,
            linter=self.linter,
            wall_clock=lambda: NOW,
        ).run(IMAGE, "v2024.05.14")

    def stopped(self) -> str:
        with pytest.raises(GateFailed) as caught:
            self.run()
        return str(caught.value)


def test_nothing_pending_needs_no_approval(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.image.current = Says("0004 (head)\n")
    case.run()
    assert case.told.lines == ["migration plan: nothing is pending, the database is at 0004"]
    assert case.server.config_maps == {}
    assert not case.file.exists()


def test_sql_that_nobody_approved_stops_the_update_and_says_how_to_approve_exactly_it(tmp_path: Path) -> None:
    case = Case(tmp_path)
    text = case.stopped()
    assert text.startswith("migration of v2024.05.14 waits for approval in development: 1 revision (0004) after 0003; ")
    assert f"SHA-256 {SHA} of the SQL in migration-output.sql and ConfigMap {RECORD}" in text
    assert "Nothing was changed." in text
    assert f"make approve STACK=staging MIGRATION={SHA} BY=<name>" in text
    assert text.splitlines()[1:] == []


def test_the_sql_is_kept_byte_by_byte_beside_the_program_and_in_the_record(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.stopped()
    assert case.file.read_bytes() == SQL.encode()
    assert case.record["migration-output.sql"] == SQL
    assert case.record["sha256"] == SHA == hashlib.sha256(case.file.read_bytes()).hexdigest()
    shown = {key: case.record[key] for key in ("from", "to", "image", "version", "approval")}
    assert shown == {"from": "0003", "to": "0004", "image": IMAGE, "version": "v2024.05.14", "approval": ""}
    assert json.loads(case.record["revisions"]) == ["0004"]


def test_the_planning_job_is_all_that_a_stopped_update_has_run(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.stopped()
    [(_, created), (_, deleted), (_, record)] = case.server.written()
    assert created == "jobs"
    assert deleted.startswith(f"{NAME}-plan-")
    assert record == "configmaps"


def test_the_approved_sql_may_run_and_the_record_says_who_let_it(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.stopped()
    case.approve()
    case.run()
    assert case.told.lines == [
        f"migration plan: 1 revision (0004) after 0003; SQL {SHA}, approved by ana at 2024-05-14 23:59:00 UTC"
    ]
    assert json.loads(case.record["approval"])["by"] == "ana"


def test_a_migration_that_changed_after_its_approval_stops_again(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve()
    case.image.sql = Says(SQL.replace("TEXT", "INTEGER"))
    assert "waits for approval" in case.stopped()


def test_a_database_that_moved_after_the_approval_stops_again(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve()
    case.image.current = Says("0002\n")
    case.image.sql = Says("-- Running upgrade 0002 -> 0003\nSELECT 1;\n" + SQL)
    text = case.stopped()
    assert "2 revisions (0003, 0004) after 0002" in text
    assert SHA not in text


def test_an_approval_of_another_sql_or_of_a_release_lets_nothing_run(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve("ab" * 32)
    case.approvals.approve("release", SHA, "ana", NOW)
    assert "waits for approval" in case.stopped()


def test_what_breaks_the_running_version_is_refused_even_when_approved(tmp_path: Path) -> None:
    case = Case(tmp_path, DROPS)
    case.approve(hashlib.sha256(DROPS.encode()).hexdigest())
    text = case.stopped()
    assert text.startswith("migration of v2024.05.14 is refused in development: it would break the version that runs")
    assert "Nothing was changed. To mend it: expand in this release and contract in a later one" in text
    assert "{rule: ban-drop-column, revision: '0004', by: <name>, until: <date>, reason: <why>}" in text
    dropped = "refused: ban-drop-column (0004, line 7): Dropping a column may break existing clients."
    assert text.splitlines()[1:] == [f"  | {dropped}"]
    assert json.loads(case.record["compatibility"]) == [dropped]


def test_a_waiver_lets_it_wait_for_approval_and_is_named_in_message_and_record(tmp_path: Path) -> None:
    case = Case(tmp_path, DROPS, waiver(NOW.date()))
    text = case.stopped()
    assert "waits for approval" in text
    waived = (
        "waived by ana until 2024-05-14 (unused since v1): ban-drop-column (0004, line 7):"
        " Dropping a column may break existing clients."
    )
    assert text.splitlines()[1:] == [f"  | {waived}"]
    case.approve(hashlib.sha256(DROPS.encode()).hexdigest())
    case.run()
    assert case.told.lines[-1] == f"migration plan: {waived}"
    assert json.loads(case.record["compatibility"]) == [waived]


def test_a_waiver_counts_no_longer_than_its_day_and_is_then_named_as_expired(tmp_path: Path) -> None:
    text = Case(tmp_path, DROPS, waiver(date(2024, 5, 13))).stopped()
    assert "is refused" in text
    assert "Its waiver has expired: it was given by ana until 2024-05-13 (unused since v1)" in text


@pytest.mark.parametrize("changes", [{"rule": "ban-drop-table"}, {"revision": "0005"}])
def test_a_waiver_covers_its_own_rule_and_revision_alone(tmp_path: Path, changes: dict[str, str]) -> None:
    assert "is refused" in Case(tmp_path, DROPS, waiver(NOW.date(), **changes)).stopped()


def test_on_an_empty_database_nothing_runs_that_could_break(tmp_path: Path) -> None:
    sql = DROPS.replace("upgrade 0003 -> 0004", "upgrade  -> 0004")
    case = Case(tmp_path, sql)
    case.image.current = Says("")
    text = case.stopped()
    assert "waits for approval" in text
    assert "lint: ban-drop-column" in text


def test_what_locks_is_shown_but_not_refused(tmp_path: Path) -> None:
    text = Case(tmp_path, SQL.replace("ALTER TABLE releases ADD", "CREATE INDEX i ON releases (id); --")).stopped()
    assert "; 1 finding of the linter." in text
    assert "lint: require-concurrent-index-creation (0004, line 7): " in text


def test_many_findings_are_counted_instead_of_shown(tmp_path: Path) -> None:
    more = "CREATE INDEX i ON releases (id);\n" * (FINDINGS_SHOWN + 5)
    text = Case(tmp_path, SQL.replace("ALTER TABLE", more + "ALTER TABLE")).stopped()
    assert text.splitlines()[-1] == "  | and 5 more"


@pytest.mark.parametrize(
    "says",
    [
        {"heads": Says("0004 (head)\n0005b (head)\n")},
        {"current": Says("FAILED: Can't locate revision identified by '9999'\n", 255)},
        {"current": Says("FAILED: migration failed: connection failed: timeout expired\n", 255)},
    ],
)
def test_what_cannot_be_planned_stops_the_update_in_one_line(tmp_path: Path, says: dict[str, Says]) -> None:
    case = Case(tmp_path)
    for name, answer in says.items():
        setattr(case.image, name, answer)
    text = case.stopped()
    assert text.startswith("migration plan of v2024.05.14 failed in development: ")
    assert text.endswith(". Nothing was changed")
    assert "\n" not in text


def test_sql_that_could_not_be_linted_is_never_let(tmp_path: Path) -> None:
    def missing(_sql: str) -> Output:
        raise LintError("squawk is not installed")

    case = Case(tmp_path)
    case.approve()
    case.linter = missing
    assert "squawk is not installed. Nothing was changed" in case.stopped()


def test_a_record_that_cannot_be_written_stops_even_an_approved_migration(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve()
    case.server.fails = lambda request: (
        httpx.Response(403, json={"message": "no"}) if request.url.path.endswith("configmaps") else None
    )
    assert "To mend it: give the user of this context the right" in case.stopped()


def test_a_file_that_cannot_be_written_stops_the_migration(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve()
    case.file = tmp_path / "missing" / "migration-output.sql"
    assert "the SQL cannot be written to migration-output.sql (No such file or directory)" in case.stopped()


def test_a_cluster_that_gives_no_answer_is_no_approval(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.approve()
    case.server.fails = lambda request: (
        httpx.ConnectError("refused") if request.url.path.endswith("-approvals") else None
    )
    assert "gives no answer (refused)" in case.stopped()


def test_sql_too_large_for_the_record_is_named_there_and_whole_in_the_file(tmp_path: Path) -> None:
    sql = SQL + "SELECT 'x';\n" * (LONGEST_SQL_BYTES // 12)
    case = Case(tmp_path, sql)
    case.linter = lambda _sql: Output(0, "[]", "")
    case.stopped()
    sha256 = hashlib.sha256(sql.encode()).hexdigest()
    assert case.record["migration-output.sql"].startswith("-- left out: ")
    assert sha256 in case.record["migration-output.sql"]
    assert case.file.read_text(encoding="utf-8") == sql
