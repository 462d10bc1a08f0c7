"""What the pods of a release that serves say of themselves: crashes, errors, latency, connections, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.key_metrics import ShareLimit, ShareWatch, connection_shares, memory_shares
from checks.objects import Pod
from checks.pods import last_lines, trouble_of
from checks.reader import ClusterReader
from checks.traffic import QUERY, TrafficLook, TrafficMeter
from checks.verdict import Kind, Verdict
from checks.waiting import Clock
from checks.watching.bad_share import BadShare
from checks.watching.sustained import Sustained

PODS, ERRORS, LATENCY, CONNECTIONS, MEMORY = "pods", "errors", "latency", "database connections", "memory"
SIGNALS = (PODS, ERRORS, LATENCY, CONNECTIONS, MEMORY)
# One pod may stand on a bad node; a second one is the release.
CRASHING_PODS = 2


@dataclass(frozen=True)
class PodLimitsOfWatch:
    """The limits of what the pods say. Each requests' judge and each share's watch is made anew for each watch."""

    errors: BadShare
    slow: BadShare
    slow_seconds: float
    connections: ShareLimit
    memory: ShareLimit
    allocated_bytes: float


class PodsWatch:
    """Looks at the pods that it is given, again and again. Close the meter where it was made."""

    def __init__(
        self, reader: ClusterReader, meter: TrafficMeter, limits: PodLimitsOfWatch, crashing: Sustained, clock: Clock
    ) -> None:
        self._reader = reader
        self._meter = meter
        self._limits = limits
        self._crashing = crashing
        self._clock = clock
        self._connections = ShareWatch(limits.connections)
        self._memory = ShareWatch(limits.memory)

    def look(self, pods: Sequence[Pod]) -> Mapping[str, Verdict]:
        """Return a verdict for each of SIGNALS. Raises what the reader raises."""
        limits = self._limits
        # A pod that is still starting says nothing, and that is no blindness; how it ends is seen below.
        running = [pod for pod in pods if not pod.ended and pod.status.phase == "Running"]
        traffic = self._meter.look(running, ())
        now, answered = self._clock.now(), traffic.canary
        slow = answered.slower_than(limits.slow_seconds) if answered.requests else 0
        errors = limits.errors.look(now, answered.requests, answered.errors)
        names = traffic.canary_pods
        return {
            PODS: self._crashing.judge(self._judge_pods(pods)),
            ERRORS: _seen(errors, traffic),
            LATENCY: _seen(
                self._no_bucket() if slow is None else limits.slow.look(now, answered.requests, slow), traffic
            ),
            CONNECTIONS: self._connections.judge(connection_shares(traffic.samples), names),
            MEMORY: self._memory.judge(memory_shares(traffic.samples, limits.allocated_bytes), names),
        }

    def _no_bucket(self) -> Verdict:
        reason = f"the pods' latency histogram has no bucket that ends at {self._limits.slow_seconds:g} s"
        return Verdict(Kind.NO_DATA, f"{reason}: set analysis.slow_seconds to one", query=QUERY)

    def _judge_pods(self, pods: Sequence[Pod]) -> Verdict:
        staying = [pod for pod in pods if not pod.ended and pod.metadata.deletion_timestamp is None]
        if not staying:
            return Verdict(Kind.NO_DATA, "the release has no pod")
        crashing = [
            (pod, status)
            for pod in staying
            for status in pod.status.container_statuses
            if status.state.waiting is not None and status.state.waiting.reason == "CrashLoopBackOff"
        ]
        numbers = {"pods": len(staying), "crashing": len(crashing), "ready": sum(pod.ready for pod in staying)}
        if not crashing:
            return Verdict(Kind.PASS, f"{numbers['ready']} of {len(staying)} pods are ready", numbers)
        first, trouble = crashing[0][0], trouble_of(crashing[0][0])
        why = trouble.reason if trouble is not None else "crashes again and again"
        reason = f"{len(crashing)} of {len(staying)} pods crash in a loop; pod {first.metadata.name} {why}"
        enough = len(crashing) >= min(CRASHING_PODS, len(staying))
        lines = last_lines(self._reader, first.metadata.name, previous=True)
        return Verdict(Kind.FAIL if enough else Kind.TOO_FEW, reason, numbers, details=lines)


def _seen(found: Verdict, traffic: TrafficLook) -> Verdict:
    """Return `found` unless a pod was not heard, or not counted: then only a FAIL is known."""
    if found.kind is Kind.FAIL:
        return found
    count = len(traffic.canary_pods)
    if not count:
        return Verdict(Kind.NO_DATA, "no pod of the release runs", found.numbers, QUERY)
    silent = [f"pod {name} {why}" for name, why in traffic.silent.items() if name in traffic.canary_pods]
    if silent:
        reason = f"{len(silent)} of {count} pods gave no answer: {silent[0]}"
        return Verdict(Kind.UNREACHABLE, reason, found.numbers, QUERY, tuple(silent))
    problems = [f"pod {name}: {each.problem}" for name, each in traffic.samples.items() if each.problem]
    if problems:
        reason = f"{len(problems)} of {count} pods cannot be counted: {problems[0]}"
        return Verdict(Kind.NO_DATA, reason, found.numbers, QUERY, tuple(problems))
    return found
