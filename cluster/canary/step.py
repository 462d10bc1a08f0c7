"""The measuring of one step of a canary: until it is certain, or its time is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from checks.analysis.canary_analysis import Assessment, CanaryAnalysis
from checks.background import Background
from checks.key_metrics import PodLimits
from checks.objects import Pod
from checks.pods import explain_waiting, judge_pods
from checks.reader import Unreachable
from checks.traffic import TrafficLook, TrafficMeter
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter
from cluster.api import Cluster
from cluster.canary.pods import ReleasePods, StepPlan, read_pods, scale_canary
from cluster.errors import ClusterError
from cluster.names import Names

Sample = Mapping[str, float | str]


@dataclass(frozen=True)
class Instruments:
    """What a step measures with; made anew for each step, as they count from its beginning.

    `watches` look by themselves, each at what may be slow to answer; `pods` tells them whom to look at.
    """

    meter: TrafficMeter
    analysis: CanaryAnalysis
    limits: PodLimits
    watches: Mapping[str, Background]
    pods: list[str]


@dataclass(frozen=True)
class StepResult:
    """How a step ended: the verdict, after how many seconds, how many requests it hurt, and what each look saw.

    A request is hurt that ended with an error, or took longer than the limit once the canary was warm.
    """

    verdict: Verdict
    seconds: float
    hurt: int
    samples: tuple[Sample, ...]


@dataclass
class CanaryStep:
    """Scales the canary to the step's share and looks again and again, until the verdict is certain or time is up.

    It fails as soon as one thing is certainly bad: a pod, the errors or the latency of the new pods, their memory or
    database connections, an alert. It passes only when everything has said so: all new pods are ready, the least time
    is over, the analysis has ruled out what the step must rule out, and every watch says PASS.
    """

    cluster: Cluster
    names: Names
    step: StepPlan
    instruments: Instruments
    reporter: Reporter
    clock: Clock
    _samples: list[Sample] = field(default_factory=list, init=False)
    _hurt: int = field(default=0, init=False)
    _restarts: dict[str, int] = field(default_factory=dict, init=False)
    _ready_at: float | None = field(default=None, init=False)

    def run(self) -> StepResult:
        """Measure. Raises nothing for a cluster that does not answer: that is a verdict."""
        started = self.clock.now()
        unfinished = self._count_from_here()
        if unfinished is not None:
            return StepResult(unfinished, 0.0, 0, ())
        while True:
            looked_at = self.clock.now()
            line, found = self._answer()
            now = self.clock.now()
            verdict = self._in_time(found, now)
            if verdict.certain or self._is_over(now, started):
                return StepResult(self._ended(verdict), now - started, self._hurt, tuple(self._samples))
            if verdict is not found:
                line += f"; measuring for at least {self.step.minimum_seconds:g} s"
            self.reporter.live(f"step {self.step.percent} %, {now - started:.0f} s: {line or verdict.reason}")
            self.clock.sleep(max(0.0, self.step.look_seconds - (now - looked_at)))

    def _count_from_here(self) -> Verdict | None:
        """Let the meter see who answers before anything is scaled: whoever comes later counts from its first answer.

        Return FAIL where a rollback of this very release was begun in its last step and never ended: in front of most
        users it is not measured a second time.
        """
        try:
            pods = read_pods(self.cluster, self.names, self.step)
        except (Unreachable, ClusterError):
            return None
        self.instruments.meter.look(pods.new, pods.old)
        off = pods.taken_off if self.step.last else ()
        if not off:
            return None
        reason = f"a rollback of it was begun and not ended: {len(off)} of its pods were taken out of the Service"
        return Verdict(Kind.FAIL, reason)

    def _answer(self) -> tuple[str, Verdict]:
        try:
            return self._look()
        except (Unreachable, ClusterError) as error:
            return "", Verdict(Kind.UNREACHABLE, str(error))

    def _look(self) -> tuple[str, Verdict]:
        scale_canary(self.cluster, self.names, self.step)
        pods = read_pods(self.cluster, self.names, self.step)
        readiness = pods.readiness()
        if readiness.kind is Kind.PASS and self._ready_at is None:
            self._ready_at = self.clock.now()
        traffic = self.instruments.meter.look(pods.new, pods.old)
        self.instruments.pods[:] = traffic.canary_pods
        assessment = self.instruments.analysis.look(
            traffic.canary, traffic.stable, expected_share=pods.share, warm=self._is_warm
        )
        self._note(traffic, assessment)
        verdicts = [
            self._pods(pods),
            readiness if readiness.kind is Kind.PASS else self._waiting(readiness, pods.new),
            assessment.verdict if assessment.verdict.kind is Kind.FAIL else traffic.doubt() or assessment.verdict,
            self.instruments.limits.judge(traffic),
            *(
                replace(found, reason=f"{name}: {found.reason}")
                for name, watch in self.instruments.watches.items()
                for found in (watch.latest(),)
            ),
        ]
        worst = _worst(verdicts)
        # The line itself tells how many requests are missing.
        told = worst.kind is Kind.PASS or (worst is assessment.verdict and worst.kind is Kind.TOO_FEW)
        return assessment.line if told else f"{assessment.line}; waiting: {worst.reason}", worst

    @property
    def _is_warm(self) -> bool:
        return self._ready_at is not None and self.clock.now() - self._ready_at >= self.step.warm_up_seconds

    def _pods(self, pods: ReleasePods) -> Verdict:
        failure = judge_pods(self.cluster, list(pods.new))
        if failure is not None:
            return failure
        for pod in pods.new:
            restarts = sum(status.restart_count for status in pod.status.container_statuses)
            before = self._restarts.setdefault(pod.metadata.name, restarts)
            if restarts > before and self._ready_at is not None:
                ended = next((s.last_state.terminated for s in pod.status.container_statuses), None)
                code = "" if ended is None else f" with exit code {ended.exit_code}"
                lines = tuple(self.cluster.logs(pod.metadata.name, lines=10, previous=True))
                reason = f"pod {pod.metadata.name} crashed{code} after it had been ready"
                return Verdict(Kind.FAIL, reason, details=lines)
        return Verdict(Kind.PASS, "no pod has failed")

    def _waiting(self, readiness: Verdict, pods: Sequence[Pod]) -> Verdict:
        why = explain_waiting(self.cluster, pods)
        return replace(readiness, reason=f"{readiness.reason}; {why}") if why else readiness

    def _note(self, traffic: TrafficLook, assessment: Assessment) -> None:
        verdict = assessment.verdict
        # A request may be both, so that their sum would be too much.
        self._hurt = max(self._hurt, traffic.canary.errors, int(verdict.numbers.get("slow_canary", 0)))
        self._samples.append(
            {
                "at": round(self.clock.now(), 2),
                "canary_requests": traffic.canary.requests,
                "canary_errors": traffic.canary.errors,
                "stable_requests": traffic.stable.requests,
                "stable_errors": traffic.stable.errors,
                "verdict": str(verdict.kind),
            }
        )

    def _in_time(self, verdict: Verdict, now: float) -> Verdict:
        measured = now - (self._ready_at if self._ready_at is not None else now)
        if verdict.kind is Kind.PASS and measured < self.step.minimum_seconds:
            reason = f"{measured:.0f} of at least {self.step.minimum_seconds:.0f} s are measured"
            return replace(verdict, kind=Kind.TOO_FEW, reason=f"{verdict.reason}; {reason}")
        return verdict

    def _is_over(self, now: float, started: float) -> bool:
        if self._ready_at is None:
            return now - started >= self.step.ready_seconds
        return now - self._ready_at >= self.step.maximum_seconds

    def _ended(self, verdict: Verdict) -> Verdict:
        if verdict.certain:
            return verdict
        limit = self.step.ready_seconds if self._ready_at is None else self.step.maximum_seconds
        what = "waiting for its pods" if self._ready_at is None else "measuring"
        return replace(verdict, reason=f"{verdict.reason} (gave up after {limit:.0f} s of {what})")


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the first FAIL, else the first that is not PASS, else the analysis' own PASS."""
    failed = [verdict for verdict in verdicts if verdict.kind is Kind.FAIL]
    unknown = [verdict for verdict in verdicts if verdict.kind is not Kind.PASS]
    return (failed or unknown or [verdicts[2]])[0]
