"""Shows the SQL of the pending migrations, what the linter marks in it, and its hash, without an update."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from checks.compatibility import judge_compatibility
from checks.migration_lint import Linter, lint, run_squawk
from cluster.errors import ClusterError
from cluster.migration.planner import MigrationPlanner
from evidence.image import FoundImage
from settings import Settings


def existing(found: FoundImage | None, stack: str, tag: str) -> str:
    """Return the reference of the image, or raise ClusterError that says how to get one."""
    if found is None:
        raise ClusterError(
            f"the registry has no image '{tag}', and only the release's own image knows its migrations",
            mend=f"make up STACK={stack}: it builds the image, and in safe mode stops before it migrates",
        )
    return found.reference


def migration_plan(
    settings: Settings,
    planner: MigrationPlanner,
    *,
    stack: str,
    image: str,
    version: str,
    file: Path,
    today: date,
    linter: Linter = run_squawk,
) -> list[str]:
    """Write the SQL to `file` and return what a person reads: the SQL, then its findings, then what to do.

    Raises AlembicError, LintError, ClusterError or Unreachable.
    """
    plan = planner.plan(image, version)
    if not plan.revisions:
        return [f"nothing is pending: the database of {stack} is at {plan.to_revision}, the head of {image}"]
    findings = lint(plan, linter)
    compatibility = judge_compatibility(plan, findings, settings.migration.waivers, today)
    try:
        file.write_text(plan.sql, encoding="utf-8", newline="")
    except OSError as error:
        raise ClusterError(
            f"the SQL cannot be written to {file.name} ({error.strerror})", mend="make its directory writable"
        ) from error
    judged = {*compatibility.refused, *(each for each, _ in compatibility.waived)}
    lines = [
        plan.sql,
        f"pending    {plan.summary}",
        f"image      {image}",
        f"SQL        {file.name}, SHA-256 {plan.sha256}",
        *(f"lint       {each}" for each in findings if each not in judged),
        *(f"lint       {line}" for line in compatibility.lines),
    ]
    if settings.migration.mode != "safe":
        return [*lines, f"next       make up STACK={stack}: migration.mode is head, so it needs no approval"]
    if compatibility.refused:
        return [*lines, "next       expand first and contract later, or waive what is refused in migration.waivers"]
    return [*lines, f"next       make approve STACK={stack} MIGRATION={plan.sha256} BY=<name>"]
