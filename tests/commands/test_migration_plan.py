"""`migration-plan` shows what an update would ask to be approved, and changes nothing."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import gates
import image_source
from checks.alembic import AlembicError
from checks.migration_lint import Output
from cluster.errors import ClusterError
from cluster.migration.planner import MigrationPlanner
from commands import __main__ as command_line
from commands.migration_plan import existing, migration_plan
from evidence.image import FoundImage
from evidence.registry import RegistryError
from settings import OVERLAY
from tests.cluster.alembic_image import SQL, AlembicImage, Says
from tests.cluster.api_server import ApiServer
from tests.cluster.migration.test_planner import planner
from tests.fake_time import Told
from tests.recorded import IMAGE
from tests.stack_values import settings_of

ROOT = Path(__file__).resolve().parents[2]
SHA = hashlib.sha256(SQL.encode()).hexdigest()
DROPS = SQL.replace("ADD COLUMN owner TEXT", "DROP COLUMN approved")
SAFE: dict[str, Any] = {"migration__mode": "safe", "approval": {"required": True, "approvers": ["ana"]}}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(OVERLAY, raising=False)


def show(image: AlembicImage, server: ApiServer | None = None, **changes: Any) -> list[str]:
    linter = changes.pop("linter", None)
    return migration_plan(
        settings_of(**{**SAFE, **changes}),
        planner(server or image.server(), image),
        stack="staging",
        image=IMAGE,
        version="staging-abc1234",
        file=image.directory / "migration-output.sql",
        today=date(2024, 5, 14),
        **({"linter": linter} if linter else {}),
    )


def test_the_sql_its_hash_and_the_command_that_approves_it_are_shown(tmp_path: Path) -> None:
    assert show(AlembicImage(tmp_path)) == [
        SQL,
        "pending    1 revision (0004) after 0003",
        f"image      {IMAGE}",
        f"SQL        migration-output.sql, SHA-256 {SHA}",
        f"next       make approve STACK=staging MIGRATION={SHA} BY=<name>",
    ]
    assert (tmp_path / "migration-output.sql").read_bytes() == SQL.encode()


def test_nothing_is_left_in_the_cluster(tmp_path: Path) -> None:
    image = AlembicImage(tmp_path)
    server = image.server()
    show(image, server)
    assert [method for method, _ in server.written()] == ["POST", "DELETE"]
    assert server.jobs == server.config_maps == {}


def test_nothing_pending_is_one_line(tmp_path: Path) -> None:
    lines = show(AlembicImage(tmp_path, current=Says("0004 (head)\n")))
    assert lines == [f"nothing is pending: the database of staging is at 0004, the head of {IMAGE}"]


def test_where_no_approval_is_needed_none_is_asked_for(tmp_path: Path) -> None:
    lines = show(AlembicImage(tmp_path), migration__mode="head")
    assert lines[-1] == "next       make up STACK=staging: migration.mode is head, so it needs no approval"


def test_what_an_update_would_refuse_is_shown_as_refused_and_not_offered_for_approval(tmp_path: Path) -> None:
    lines = show(AlembicImage(tmp_path, sql=Says(DROPS)))
    assert lines[-2].startswith("lint       refused: ban-drop-column (0004, line 7)")
    assert "make approve" not in lines[-1]


def test_a_finding_is_shown_once(tmp_path: Path) -> None:
    lines = show(AlembicImage(tmp_path, sql=Says(DROPS)))
    assert sum("ban-drop-column" in line for line in lines) == 1
    locks = show(
        AlembicImage(tmp_path, sql=Says(SQL.replace("ALTER TABLE releases ADD", "CREATE INDEX i ON a (b); --")))
    )
    assert any(line.startswith("lint       require-concurrent-index") for line in locks)


def test_an_image_that_is_not_there_yet_is_told_with_how_to_get_it() -> None:
    with pytest.raises(ClusterError, match=r"has no image 'staging-abc1234'.*To mend it: make up STACK=staging"):
        existing(None, "staging", "staging-abc1234")
    assert existing(FoundImage(IMAGE), "staging", "staging-abc1234") == IMAGE


def main(monkeypatch: pytest.MonkeyPatch, found: FoundImage | Exception | None, image: AlembicImage) -> int:
    def look(_images: image_source.ImageSource, _revision: object) -> FoundImage | None:
        if isinstance(found, Exception):
            raise found
        return found

    def make(_gates: gates.Gates, _reporter: object) -> MigrationPlanner:
        return planner(image.server(), image, Told())

    monkeypatch.setattr(image_source.ImageSource, "existing", look)
    monkeypatch.setattr(gates.Gates, "planner", make)
    monkeypatch.setattr(command_line, "SQL_FILE", image.directory / "migration-output.sql")
    return command_line.main(["migration-plan", "--stack", "staging"])


def test_the_command_prints_the_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(monkeypatch, FoundImage(IMAGE), AlembicImage(tmp_path)) == 0
    assert SQL in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "text"),
    [(None, "error: the registry has no image 'staging-"), (RegistryError("it gives no answer"), "error: it gives no")],
)
def test_a_missing_image_or_registry_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    found: FoundImage | Exception | None,
    text: str,
) -> None:
    assert main(monkeypatch, found, AlembicImage(tmp_path)) == 1
    assert capsys.readouterr().err.startswith(text)


def test_what_alembic_says_is_told_in_two_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    image = AlembicImage(tmp_path, heads=Says("0004 (head)\n0004b (head)\n"))
    assert main(monkeypatch, FoundImage(IMAGE), image) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the image's migrations have more than one head (0004, 0004b)",
        "to mend it: alembic merge heads -m merge, commit the new revision, and release that",
    ]


def test_sql_that_could_not_be_linted_is_not_shown_as_clean(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="squawk ended with status 2"):
        show(AlembicImage(tmp_path), linter=lambda _sql: Output(2, "", ""))


def test_a_plan_that_fails_shows_nothing(tmp_path: Path) -> None:
    with pytest.raises(AlembicError):
        show(AlembicImage(tmp_path, heads=Says("a\nb\n")))
