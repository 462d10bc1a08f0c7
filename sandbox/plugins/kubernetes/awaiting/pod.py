"""When a Pod is ready, and what is wrong with one that is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot, condition, qualified_name
from sandbox.plugins.kubernetes.objects import Object, dig, items_of, number, text


def assess(snapshot: Snapshot) -> Assessment:
    """Call a Pod ready when it is scheduled, initialized, and ready or completed."""
    pod = snapshot.item
    name = qualified_name(pod)
    for wanted, stage in (("PodScheduled", "scheduled"), ("Initialized", "initialized"), ("Ready", "ready")):
        found = condition(pod, wanted)
        completed = wanted == "Ready" and text(pod, "status", "phase") == "Succeeded"
        if text(found, "status") == "True" or (completed and found):
            continue
        problems = tuple(problems_of(pod))
        return Assessment(
            ready=False, status=f'Waiting for Pod "{name}" to be {stage}', warnings=problems, reasons=problems
        )
    return Assessment(ready=True, status="Pod is ready")


def problems_of(pod: Object) -> list[str]:
    """Return what keeps a pod from being ready, one line for the first stage that it has not passed."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled and text(scheduled, "status") != "True":
        return [text(scheduled, "message")] if text(scheduled, "message") else []
    for stage in ("Initialized", "Ready"):
        found = condition(pod, stage)
        completed = stage == "Ready" and text(pod, "status", "phase") == "Succeeded"
        if not found or text(found, "status") == "True" or completed:
            continue
        errors = [error for status in _container_statuses(pod) for error in _container_errors(status)]
        message = text(found, "message") if text(found, "reason") else ""
        if errors or message:
            return [f"[Pod {qualified_name(pod)}]: {message}" + "\n".join(errors)]
        return []
    return []


def problems_of_all(pods: Iterable[Object]) -> tuple[str, ...]:
    """Return the problems of several pods, each one once."""
    return tuple(dict.fromkeys(problem for pod in pods for problem in problems_of(pod)))


def _container_statuses(pod: Object) -> list[Mapping[str, Any]]:
    return items_of(pod, "status", "initContainerStatuses") + items_of(pod, "status", "containerStatuses")


def _container_errors(status: Mapping[str, Any]) -> list[str]:
    if dig(status, "ready"):
        return []
    errors = []
    waiting = dig(status, "state", "waiting")
    if waiting and text(waiting, "reason") not in {"ContainerCreating", "PodInitializing"}:
        errors.append(f"[{text(waiting, 'reason')}] {text(waiting, 'message')}")
    ended = dig(status, "state", "terminated")
    if ended and text(ended, "reason") not in {"", "Completed"}:
        if text(ended, "message"):
            errors.append(f"[{text(ended, 'reason')}] {text(ended, 'message')}")
        else:
            errors.append(f'container "{text(status, "name")}" completed with exit code {number(ended, "exitCode")}')
    last = dig(status, "lastState", "terminated")
    if last:
        errors.append(
            f'container "{text(status, "name")}" terminated at {text(last, "finishedAt")} '
            f"({text(last, 'reason')}: exit code {number(last, 'exitCode')})"
        )
    return errors


AWAITER = Awaiter(assess, timeout_seconds=300.0, on_read=True)
