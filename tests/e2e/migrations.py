"""Revisions that tests add to the application's migrations, and what the database of a stack says of them."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.e2e.stack import Result, Stack

HEAD = "0005"
VERSIONS = Path("sandbox") / "app" / "migrations" / "versions"
REVISION = '''"""{name}."""

import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}
'''
CONTRACTS = 'op.drop_column("releases", "owner")'


def expands(column: str, kind: str) -> str:
    """Return what adds a column, in SQL that nobody can have approved before: an approval outlives these tests."""
    return f'op.add_column("releases", sa.Column("{column}", sa.{kind}(), nullable=True, comment="{time.time_ns()}"))'


def add(stack: Stack, name: str, upgrade: str, *, before: str = HEAD) -> Path:
    """Write revision `name` after `before`, in place of what it was."""
    file = stack.checkout / VERSIONS / f"{name}_test.py"
    file.write_text(REVISION.format(name=name, before=before, upgrade=upgrade), encoding="utf-8")
    return file


def hash_in(stack: Stack, result: Result) -> str:
    """Return the SHA-256 of the SQL whose approval an update or a plan asks for."""
    found = re.search(rf"make approve STACK={stack.name} MIGRATION=([0-9a-f]{{64}}) BY=<name>", result.text)
    assert found is not None, result.text
    return found[1]


def sql(stack: Stack, statement: str) -> str:
    """Run a statement in the database of the stack and return what it prints, without headings."""
    psql = ("psql", "-h", "/tmp", "-U", "release_manager", "-d", "release_manager", "-Atc", statement)  # noqa: S108
    return stack.world.kubectl.run("exec", "postgresql-0", "--", *psql, namespace=stack.namespace).strip()


def revision_of(stack: Stack) -> str:
    """Return the revision that the database is at."""
    return sql(stack, "SELECT version_num FROM alembic_version")


def stamp(stack: Stack, revision: str) -> None:
    """Let the database say that it is at `revision`."""
    sql(stack, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608


def back_to_head(stack: Stack) -> None:
    """Take away what tests added, from the checkout and from the database."""
    for file in (stack.checkout / VERSIONS).glob("*_test.py"):
        file.unlink()
    sql(stack, "ALTER TABLE releases DROP COLUMN IF EXISTS owner, DROP COLUMN IF EXISTS team")
    stamp(stack, HEAD)
