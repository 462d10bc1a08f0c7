"""When an object of any kind is ready, by the conventions that most controllers keep."""

from __future__ import annotations

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot, condition, problem_of
from sandbox.plugins.kubernetes.objects import dig, number, text


def assess(snapshot: Snapshot) -> Assessment:
    """Call an object ready unless its generation or a condition Reconciling, Stalled or Ready says otherwise."""
    item = snapshot.item
    observed = dig(item, "status", "observedGeneration")
    if isinstance(observed, int) and observed != number(item, "metadata", "generation"):
        return Assessment(ready=False, status="Waiting for the latest generation to be observed")
    for name in ("Reconciling", "Stalled"):
        found = condition(item, name)
        if text(found, "status") == "True":
            problem = problem_of(found) or name
            return Assessment(ready=False, failed=name == "Stalled", status=problem, reasons=(problem,))
    found = condition(item, "Ready")
    if found and text(found, "status") != "True":
        problem = problem_of(found) or "Waiting for readiness"
        return Assessment(ready=False, status=problem, reasons=(problem,))
    return Assessment(ready=True, status="Resource is ready")


AWAITER = Awaiter(assess)
