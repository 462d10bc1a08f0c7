"""Whether pods come up, and if not, why: as soon as that is certain.

Learnt from krane: one small rule for each way in which a pod fails. A rule says "certain" only where waiting cannot
help (an image that the registry says it does not have); what may pass by itself (a registry that hiccups) is left to
the time-out of the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.objects import ContainerStatus, Pod
from checks.reader import ClusterReader, Unreachable
from checks.verdict import Kind, Verdict

LOG_LINES_SHOWN = 10
CRASHES_UNTIL_CERTAIN = 2
_PULL_REASONS = {"ErrImagePull", "ImagePullBackOff"}
_CERTAIN_WAITING = {"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"}
_NOT_IN_REGISTRY = ("not found", "manifest unknown", "name unknown", "does not exist")
_REFUSED_BY_REGISTRY = ("unauthorized", "authentication required", "denied", "forbidden")


@dataclass(frozen=True)
class Trouble:
    """What is wrong with one pod. `certain`: waiting cannot mend it. `previous`: the log of the last run tells why."""

    pod: str
    reason: str
    certain: bool
    has_log: bool = False
    previous: bool = False


def trouble_of(pod: Pod) -> Trouble | None:
    """Return what is wrong with the pod, or None while it is on its way up."""
    name = pod.metadata.name
    if pod.status.phase == "Failed" and pod.status.reason:
        return Trouble(name, f"{pod.status.reason}: {pod.status.message}".rstrip(": "), certain=True)
    for status in [*pod.status.init_container_statuses, *pod.status.container_statuses]:
        trouble = _trouble_of_container(name, status)
        if trouble is not None:
            return trouble
    return _unschedulable(pod)


def _trouble_of_container(pod: str, status: ContainerStatus) -> Trouble | None:
    waiting = status.state.waiting
    if waiting is not None and waiting.reason in _PULL_REASONS:
        return _image_trouble(pod, status, waiting.message)
    if waiting is not None and waiting.reason in _CERTAIN_WAITING:
        return Trouble(pod, f"{waiting.reason}: {waiting.message}", certain=True)
    ended = status.state.terminated or status.last_state.terminated
    if ended is None or (ended.exit_code == 0 and status.restart_count == 0):
        return None
    previous = status.state.terminated is None
    if ended.reason == "OOMKilled":
        reason = "killed for using more memory than its limit (OOMKilled)"
        return Trouble(pod, reason, certain=True, has_log=True, previous=previous)
    crashes = status.restart_count + (0 if previous else 1)
    looping = waiting is not None and waiting.reason == "CrashLoopBackOff"
    return Trouble(
        pod,
        f"crashed with exit code {ended.exit_code}" + (f", {crashes} times" if crashes > 1 else ""),
        certain=looping or crashes >= CRASHES_UNTIL_CERTAIN,
        has_log=True,
        previous=previous,
    )


def _image_trouble(pod: str, status: ContainerStatus, message: str) -> Trouble:
    lowered = message.lower()
    if any(word in lowered for word in _NOT_IN_REGISTRY):
        return Trouble(pod, f"image {status.image} is not in the registry", certain=True)
    if any(word in lowered for word in _REFUSED_BY_REGISTRY):
        return Trouble(pod, f"the registry refuses image {status.image} to the cluster", certain=True)
    short = message.splitlines()[0][:200] if message else "no reason given"
    return Trouble(pod, f"image {status.image} cannot be pulled: {short}", certain=False)


def _unschedulable(pod: Pod) -> Trouble | None:
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False" and condition.reason == "Unschedulable":
            return Trouble(pod.metadata.name, f"no node takes it: {condition.message}", certain=False)
    return None


def failing_probe(reader: ClusterReader, pod: Pod) -> str | None:
    """Return what the newest event says about a failing probe of the pod, or None."""
    if pod.ready or pod.status.phase != "Running":
        return None
    unhealthy = [event.message for event in reader.events(pod.metadata.name) if event.reason == "Unhealthy"]
    return unhealthy[-1].splitlines()[0] if unhealthy else None


def judge_pods(reader: ClusterReader, pods: Sequence[Pod]) -> Verdict | None:
    """FAIL with the pod's last log lines where one of the pods has certainly failed, else None."""
    troubles = [trouble for trouble in map(trouble_of, pods) if trouble is not None]
    certain = next((trouble for trouble in troubles if trouble.certain), None)
    if certain is None:
        return None
    lines = last_lines(reader, certain.pod, previous=certain.previous) if certain.has_log else ()
    return Verdict(Kind.FAIL, f"pod {certain.pod} {certain.reason}", details=lines)


def last_lines(reader: ClusterReader, pod: str, *, previous: bool = False) -> tuple[str, ...]:
    """Return the last log lines of the pod, or why they cannot be read: that must not hide what is known already."""
    try:
        return tuple(reader.logs(pod, lines=LOG_LINES_SHOWN, previous=previous))
    except Unreachable as error:
        return (f"the log of pod {pod} cannot be read: {error}",)


def explain_waiting(reader: ClusterReader, pods: Sequence[Pod]) -> str:
    """Return in a few words what the pods that are not ready wait for; empty where nothing is known."""
    for pod in pods:
        if pod.ready or pod.metadata.deletion_timestamp is not None:
            continue
        trouble = trouble_of(pod)
        reason = trouble.reason if trouble is not None else failing_probe(reader, pod)
        if reason:
            return f"pod {pod.metadata.name} {reason}"
    return ""
