"""Migrations: offline SQL needs no connection, waits are bounded, and a fault makes an upgrade fail with its text."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from release_manager.migration_lock import LOCK_KEY, LOCK_WAIT_SECONDS, take_lock

from tests.app.running_app import APP_DIRECTORY

# Each starts the real application, which takes its time; none needs a cluster.
pytestmark = pytest.mark.e2e


def alembic(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(Path(sys.executable)), "-m", "alembic", *arguments],
        cwd=APP_DIRECTORY,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def offline_sql() -> str:
    # Port 9 on the loopback: a connection would fail.
    done = alembic("upgrade", "head", "--sql", DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_one_head_and_at_least_four_revisions() -> None:
    scripts = ScriptDirectory.from_config(Config(str(APP_DIRECTORY / "alembic.ini")))
    assert len(scripts.get_heads()) == 1
    assert len(list(scripts.walk_revisions())) >= 4


def test_offline_sql_is_sql_alone(offline_sql: str) -> None:
    assert '"@timestamp"' not in offline_sql
    assert offline_sql.startswith("BEGIN;")
    assert "UPDATE alembic_version SET version_num='0005'" in offline_sql


def test_offline_sql_takes_the_lock_before_and_bounds_waits_for_tables(offline_sql: str) -> None:
    lock = offline_sql.index(f"pg_try_advisory_lock({LOCK_KEY})")
    timeout = offline_sql.index("SET lock_timeout = '5s'")
    first_change = offline_sql.index("CREATE TABLE")
    assert lock < timeout < first_change
    assert offline_sql.rindex("pg_advisory_unlock") > offline_sql.rindex("ALTER TABLE")


def test_no_index_of_a_table_in_use_locks_out_writers(offline_sql: str) -> None:
    """A plain CREATE INDEX is allowed on a table that the same revision creates, and nowhere else."""
    for revision in re.split(r"-- Running upgrade", offline_sql):
        for table in re.findall(r"CREATE INDEX (?!CONCURRENTLY)\w+ ON (\w+)", revision):
            assert f"CREATE TABLE {table} " in revision


def test_a_failing_migration_says_so_in_its_last_line() -> None:
    done = alembic("upgrade", "head", "--sql", FAULT_MIGRATION="column x has no default")
    assert done.returncode != 0
    assert done.stdout.splitlines()[-1] == "FAILED: migration failed: RuntimeError: column x has no default"
    assert "Traceback" not in done.stdout


def test_a_missing_database_url_is_one_clear_line() -> None:
    done = alembic("current")
    assert done.returncode != 0
    assert done.stdout.startswith("FAILED: DATABASE_URL is not set; allowed is postgresql://")


class FakeConnection:
    """Answers pg_try_advisory_lock from a list."""

    def __init__(self, answers: list[bool]) -> None:
        self.answers = answers
        self.open_transaction = False

    def scalar(self, *_arguments: object) -> bool:
        self.open_transaction = True
        return self.answers.pop(0) if self.answers else False

    def commit(self) -> None:
        self.open_transaction = False


def test_a_second_migration_waits_outside_of_a_transaction_until_the_first_has_ended() -> None:
    connection = FakeConnection([False, False, True])
    waits = list[float]()

    def sleep(seconds: float) -> None:
        assert not connection.open_transaction
        waits.append(seconds)

    take_lock(connection, sleep=sleep, monotonic=lambda: 0.0)  # type: ignore[arg-type]
    assert len(waits) == 2
    assert connection.answers == []


def test_the_wait_for_another_migration_ends() -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    with pytest.raises(CommandError, match="pg_stat_activity"):
        take_lock(FakeConnection([]), sleep=sleep, monotonic=lambda: now)  # type: ignore[arg-type]
    assert now == pytest.approx(LOCK_WAIT_SECONDS, abs=1)
