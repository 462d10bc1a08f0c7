"""When a Job is done: it has completed. One that can never complete fails at once."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import (
    Assessment,
    Awaiter,
    Snapshot,
    condition,
    problem_of,
    qualified_name,
)
from sandbox.plugins.kubernetes.awaiting.pod import problems_of_all
from sandbox.plugins.kubernetes.objects import Kind, dig, number, text

FATAL_REASONS = frozenset({"BackoffLimitExceeded", "DeadlineExceeded"})


def assess(snapshot: Snapshot) -> Assessment:
    """Look at the conditions `Failed` and `Complete`, in this order."""
    job = snapshot.item
    failure = condition(job, "Failed")
    pods = problems_of_all(snapshot.owned("Pod", job))
    # A pod of a Job that is not ready is nothing unusual while the Job still runs.
    warnings = tuple(problem for problem in pods if "containers with unready status" not in problem)
    if text(failure, "status") == "True" and text(failure, "reason") in FATAL_REASONS:
        return Assessment(ready=False, failed=True, reasons=(problem_of(failure), *pods))
    if dig(job, "status", "startTime") is None:
        return Assessment(ready=False, status=f'Waiting for Job "{qualified_name(job)}" to start', reasons=pods)
    if text(condition(job, "Complete"), "status") == "True":
        return Assessment(ready=True, status="Job completed")
    active, succeeded, failed = (number(job, "status", name) for name in ("active", "succeeded", "failed"))
    progress = f"(Active: {active} | Succeeded: {succeeded} | Failed: {failed})"
    return Assessment(
        ready=False,
        status=f'Waiting for Job "{qualified_name(job)}" to succeed {progress}',
        warnings=warnings,
        reasons=pods,
    )


AWAITER = Awaiter(assess, related=(Kind("v1", "Pod"),), on_read=True)
