"""What a linter for PostgreSQL (squawk) finds in the SQL of a migration: what locks and what destroys."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from checks.migration_plan import MigrationPlan

TIMEOUT_SECONDS = 30
# Taste, and what matters only to tables that are about to be designed: neither locks nor destroys anything.
TASTE = (
    "ban-char-field",
    "identifier-too-long",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-enum-value-ordering",
    "require-statement-timeout",
)
ASKED_FOR = ("ban-revoke",)
_MEND = "make the virtual environment anew: rm .venv/.ready, and run the same command again"


@dataclass(frozen=True)
class Finding:
    """One thing that the linter marks. `line` counts from 1 in the SQL; `revision` is the one that the line is of."""

    rule: str
    line: int
    revision: str
    message: str

    def __str__(self) -> str:
        where = f"{self.revision}, " if self.revision else ""
        return f"{self.rule} ({where}line {self.line}): {self.message}"


class LintError(Exception):
    """The SQL could not be looked at; the text names the mend. Never to be taken for SQL without findings."""


@dataclass(frozen=True)
class Output:
    """How the linter ended and what it printed."""

    status: int
    stdout: str
    stderr: str


class _Mark(BaseModel):
    """One entry of squawk's JSON. `line` counts from 0."""

    rule_name: str
    line: int
    message: str


_MARKS = TypeAdapter(list[_Mark])
Linter = Callable[[str], Output]


def run_squawk(sql: str) -> Output:
    """Give the SQL to squawk, with the settings of this module and of no file. Raises LintError."""
    # What is installed beside this interpreter first: PATH may hold another version.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    program = shutil.which("squawk", path=path)
    if program is None:
        raise LintError(f"the linter of the migration's SQL (squawk) is not installed. To mend it: {_MEND}")
    command = [program, "--reporter", "json", "--config", os.devnull, "--stdin-filepath", "migration-output.sql"]
    command += ["--exclude", ",".join(TASTE), "--include", ",".join(ASKED_FOR)]
    try:
        done = subprocess.run(
            command, input=sql, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False, encoding="utf-8"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LintError(f"squawk does not run ({type(error).__name__}). To mend it: {_MEND}") from error
    return Output(done.returncode, done.stdout, done.stderr)


def lint(plan: MigrationPlan, linter: Linter = run_squawk) -> tuple[Finding, ...]:
    """Return what the linter marks in the plan's SQL, in the order of its lines. Raises LintError."""
    # A comment in the SQL could switch rules off; whoever wrote the SQL must not judge it.
    output = linter(plan.sql.replace("squawk-ignore", "squawk_ignore"))
    try:
        # A finding makes squawk end with 1; so does a fault, but that one prints no list.
        found = _MARKS.validate_json(output.stdout)
    except ValueError as error:
        said = (output.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise LintError(
            f"squawk ended with status {output.status} and no findings: {said}. To mend it: {_MEND}"
        ) from error
    if output.status not in {0, 1} or (output.status == 1 and not found):
        raise LintError(f"squawk ended with status {output.status} and {len(found)} findings. To mend it: {_MEND}")
    return tuple(
        Finding(mark.rule_name, mark.line + 1, plan.revision_at(mark.line + 1), mark.message.partition("\n")[0])
        for mark in sorted(found, key=lambda each: each.line)
    )
