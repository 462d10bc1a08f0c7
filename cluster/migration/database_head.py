"""Whether the database is at the head of a release's migrations, as the release's own image says."""

from __future__ import annotations

from checks.alembic import AlembicError
from checks.verdict import Kind, Verdict
from cluster.migration.planner import MigrationPlanner
from cluster.release import Release

QUERY = "alembic current, alembic heads"


def judge_database_head(planner: MigrationPlanner, release: Release) -> Verdict:
    """Ask once. FAIL where `alembic current` is another revision than the one head of the release's image.

    NO_DATA where alembic gives no answer. Raises ClusterError or Unreachable where it cannot be asked.
    """
    try:
        plan = planner.plan(release.image, release.version)
    except AlembicError as error:
        return Verdict(Kind.NO_DATA, str(error), query=QUERY)
    numbers = {"current": plan.from_revision, "head": plan.to_revision}
    if plan.from_revision != plan.to_revision:
        at = plan.from_revision or "no revision at all"
        reason = f"alembic current is {at}, not the head {plan.to_revision}: pending are {', '.join(plan.revisions)}"
        return Verdict(Kind.FAIL, reason, numbers, QUERY)
    return Verdict(Kind.PASS, f"alembic current is the head, {plan.to_revision or 'no revision'}", numbers, QUERY)
