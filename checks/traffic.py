"""What the pods of a canary and of stable answered since a gate began, read from the pods themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from checks.analysis.tally import Tally
from checks.daemon_pool import DaemonPool
from checks.exposition import PodSample, read_sample
from checks.objects import Pod
from checks.reader import MetricsReader
from checks.verdict import Kind, Verdict
from checks.waiting import Clock

WORKERS = 8
RESTART_SECONDS = 2.0
QUERY = "/metrics of the pods"


@dataclass(frozen=True)
class TrafficLook:
    """What one look found.

    `canary` and `stable` count from the first look on, with what pods had answered that are gone by now. `samples`
    holds what each pod that answered this time says, `silent` why each of the others did not. `canary_pods` and
    `stable_pods` are those that are here to stay.
    """

    canary: Tally
    stable: Tally
    canary_pods: tuple[str, ...] = ()
    stable_pods: tuple[str, ...] = ()
    samples: Mapping[str, PodSample] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def canary_silent(self) -> bool:
        """Whether there are canary pods, and not one of them answered."""
        return bool(self.canary_pods) and not any(name in self.samples for name in self.canary_pods)

    @property
    def canary_versions(self) -> frozenset[str]:
        """The versions that the canary pods say they run."""
        return self._versions(self.canary_pods)

    @property
    def stable_versions(self) -> frozenset[str]:
        """The versions that the stable pods say they run."""
        return self._versions(self.stable_pods)

    def doubt(self) -> Verdict | None:
        """Return why nothing may be promoted after this look, or None: a canary pod was not heard or not counted.

        It does not stand against a FAIL: what the other pods answered may be bad enough.
        """
        if not self.canary_pods:
            return Verdict(Kind.NO_DATA, "there is no canary pod", query=QUERY)
        count = len(self.canary_pods)
        silent = [f"pod {name} {self.silent[name]}" for name in self.canary_pods if name in self.silent]
        if silent:
            reason = f"{len(silent)} of {count} canary pods gave no answer: {silent[0]}"
            return Verdict(Kind.UNREACHABLE, reason, {"silent": len(silent), "pods": count}, QUERY, tuple(silent))
        problems = [(name, self.samples[name].problem) for name in self.canary_pods if self.samples[name].problem]
        if problems:
            uncounted = [f"pod {name}: {problem}" for name, problem in problems]
            reason = f"{len(uncounted)} of {count} canary pods cannot be counted: {uncounted[0]}"
            return Verdict(Kind.NO_DATA, reason, {"uncounted": len(uncounted), "pods": count}, QUERY, tuple(uncounted))
        return None

    def _versions(self, names: Sequence[str]) -> frozenset[str]:
        found = (self.samples[name].version for name in names if name in self.samples)
        return frozenset(version for version in found if version is not None)


@dataclass
class _Count:
    """What one pod answered: `before` in runs of its container that are over, and since `base` in this one."""

    canary: bool
    base: Tally
    last: PodSample
    before: Tally = field(default_factory=Tally)

    @property
    def tally(self) -> Tally:
        """What the pod answered since it is counted."""
        return _sum([self.before, _since(self.base, self.last)])

    def add(self, sample: PodSample) -> None:
        """Count on with the next sample."""
        if _restarted(self.last, sample):
            self.before, self.base = self.tally, Tally()
        self.last = sample


class TrafficMeter:
    """Reads the pods' own /metrics through `reader`, `WORKERS` at a time, and counts from its first look on.

    A pod that ran already at the first look had answered requests before, so its first sample is where counting
    begins. Any other pod started later, and counts from zero: its very first answers tell a bad release. That is told
    by the first look and not by the time at which the pod started, since the clocks of the cluster's nodes and of
    this machine need not agree. So make the first look before the gate scales anything, and name every pod in each
    look, ready or not. A container that was restarted counts from zero on; a pod that is gone keeps what it had.

    A look takes `timeout_seconds` at most, even where pods hang. Close the meter, or use it as a context manager.
    """

    def __init__(self, reader: MetricsReader, port: int, *, timeout_seconds: float, clock: Clock) -> None:
        self._reader = reader
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._pool = DaemonPool(WORKERS, name="metrics-of-pods")
        self._counts: dict[str, _Count] = {}
        self._ran_before: frozenset[str] | None = None
        self._under_way: dict[str, Future[PodSample | None]] = {}
        self._silent: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads end. Waits for none of them."""
        self._pool.close()

    def look(self, canary_pods: Sequence[Pod], stable_pods: Sequence[Pod]) -> TrafficLook:
        """Read all pods once and return what they answered so far. Raises nothing of what reading raises."""
        pods = {pod.metadata.name: pod for pod in (*canary_pods, *stable_pods)}
        if self._ran_before is None:
            self._ran_before = frozenset(name for name, pod in pods.items() if pod.status.phase == "Running")
        samples, silent = self._read(pods.values())
        canary = {pod.metadata.name for pod in canary_pods}
        for name, sample in samples.items():
            self._add(name, sample, canary=name in canary)
        # A pod on its way out may be silent; what it had answered is counted.
        silent = {name: why for name, why in silent.items() if pods[name].metadata.deletion_timestamp is None}
        self._silent = set(silent)
        return TrafficLook(
            canary=_sum([count.tally for count in self._counts.values() if count.canary]),
            stable=_sum([count.tally for count in self._counts.values() if not count.canary]),
            canary_pods=_staying(canary_pods),
            stable_pods=_staying(stable_pods),
            samples=samples,
            silent=silent,
        )

    def _add(self, name: str, sample: PodSample, *, canary: bool) -> None:
        if sample.answered is None:
            return
        count = self._counts.get(name)
        if count is not None:
            count.add(sample)
            return
        base = sample.answered if name in (self._ran_before or ()) else Tally()
        self._counts[name] = _Count(canary, base, sample)

    def _read(self, pods: Iterable[Pod]) -> tuple[dict[str, PodSample], dict[str, str]]:
        deadline = self._clock.now() + self._timeout_seconds
        samples: dict[str, PodSample] = {}
        silent: dict[str, str] = {}
        reads: dict[str, Future[PodSample | None]] = {}
        # Pods that answered the last time come first, so that those that hang hold no thread that they need.
        for pod in sorted(pods, key=lambda pod: pod.metadata.name in self._silent):
            name = pod.metadata.name
            if pod.status.phase != "Running":
                silent[name] = f"is {pod.status.phase or 'not there yet'}, not Running"
            elif (under_way := self._under_way.get(name)) is not None and not under_way.done():
                silent[name] = "has not answered an earlier read yet"
            else:
                reads[name] = self._under_way[name] = self._pool.submit(partial(self._sample_of, name, deadline))
        wait(reads.values(), timeout=max(0.0, deadline - self._clock.now()))
        for name, read in reads.items():
            if not read.done():
                silent[name] = f"gave no answer within {self._timeout_seconds:g} s"
                read.cancel()
            elif (error := read.exception()) is not None:
                silent[name] = f"cannot be read: {str(error) or type(error).__name__}"
            elif (sample := read.result()) is None:
                silent[name] = "is gone, or has no /metrics"
            else:
                samples[name] = sample
        return samples, silent

    def _sample_of(self, name: str, deadline: float) -> PodSample | None:
        left = deadline - self._clock.now()
        if left <= 0:
            raise TimeoutError(f"no thread was free within {self._timeout_seconds:g} s")
        text = self._reader.pod_metrics(name, self._port, timeout_seconds=left)
        return None if text is None else read_sample(text)


def _staying(pods: Sequence[Pod]) -> tuple[str, ...]:
    return tuple(pod.metadata.name for pod in pods if pod.metadata.deletion_timestamp is None)


def _restarted(last: PodSample, now: PodSample) -> bool:
    """Whether another process answers: it began later, or a counter went down.

    Some applications work their start time out anew for each answer, so a little difference says nothing.
    """
    if last.started is not None and now.started is not None and now.started - last.started > RESTART_SECONDS:
        return True
    before, after = last.answered or Tally(), now.answered or Tally()
    return after.requests < before.requests or after.errors < before.errors


def _since(base: Tally, last: PodSample) -> Tally:
    now = last.answered or Tally()
    requests = max(0, now.requests - base.requests)
    within = {bound: count - base.within.get(bound, 0) for bound, count in now.within.items()}
    return Tally(
        requests,
        min(requests, max(0, now.errors - base.errors)),
        {bound: min(requests, max(0, count)) for bound, count in within.items()},
    )


def _sum(parts: Sequence[Tally]) -> Tally:
    """Add up. A bound that not every pod knows is left out: its requests would all pass for slow ones."""
    counting = [part for part in parts if part.requests] or [part for part in parts if part.within]
    shared = set(counting[0].within).intersection(*(part.within for part in counting)) if counting else set()
    return Tally(
        sum(part.requests for part in counting),
        sum(part.errors for part in counting),
        {bound: sum(part.within[bound] for part in counting) for bound in sorted(shared)},
    )
