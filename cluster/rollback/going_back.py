"""One rollback while it runs: the bad pods out of the Service, records, canary and stable back, and a look at it all.

The records go back before the pods. Were it the other way round, a rollback that is killed in between would leave
gates that name the failed release as passed, and its next update would not be measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from checks.health import HealthCheck
from checks.reader import Unreachable
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster, JsonObject
from cluster.canary.weights import take_weight_off
from cluster.errors import ClusterError
from cluster.names import CANARY, STABLE, Names
from cluster.rollback.outcome import Outcome
from cluster.rollback.pod_template import as_canary, is_as
from cluster.rollback.service_pods import ServicePods, counted, track_of

INTERVAL_SECONDS = 0.5
ENDPOINTS_SECONDS = 15.0
ENDPOINTS_INTERVAL_SECONDS = 0.2
# An API server that is started anew answers again within this time.
PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 1.0
GO_ON = "make rollback, which goes on with it"


@dataclass(frozen=True)
class _Step:
    """`failing` says what could not be done, `by_hand` names the command that does it.

    `at_once`: it only makes the rest happen sooner, and is not missed once the old version serves everything.
    """

    failing: str
    act: Callable[[], None]
    by_hand: Callable[[], str]
    at_once: bool = False


@dataclass
class GoingBack:
    """Goes back to the release that is told as `name`, whose pod template is `wanted`; see Rollback.

    `version` is what /health is to answer then: the release that is left may have the same.
    `selects` says whether the Service selects by the label `serving`, so that a pod can be taken out of it;
    `records_back` lets the records say what they said then, and returns how many it had to change.
    """

    cluster: Cluster
    names: Names
    health: HealthCheck
    timeout_seconds: float
    reporter: Reporter
    clock: Clock
    pods: ServicePods
    replicas: int | None
    name: str
    version: str
    wanted: JsonObject
    selects: bool
    records_back: Callable[[], int]
    off_seconds: float | None = field(default=None, init=False)
    _started: float = field(init=False)
    _canary_needed: bool = field(default=False, init=False)
    _canary_rests: bool = field(default=False, init=False)
    _some_left: bool = field(default=False, init=False)
    _stable_moved: bool = field(default=False, init=False)
    _stable_back: bool = field(default=False, init=False)
    _undone: dict[_Step, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._started = self.clock.now()

    def run(self) -> Outcome:
        """Do every step, whatever became of the one before it, and return how it ended."""
        stable = _Step("stable cannot be put back", self._put_stable_back, self._undo)
        self._do(self._clearing, self._recording, self._resting, stable)
        if not self._stable_back:
            reason = f"THE ROLLBACK FAILED TOO: {'; '.join(self.undone)}"
            return self._outcome(Kind.UNREACHABLE, reason, moved=False)
        verdict = self._seen(self._whole)
        if verdict.kind is Kind.PASS:
            self._tell(f"{verdict.reason} on {self.name}")
            verdict = self._seen(self._behind_the_service)
        if verdict.kind is Kind.PASS:
            self._tell(verdict.reason)
            verdict = self.health.run(self.version, self.reporter)
        if verdict.kind is Kind.PASS:
            self._tell(verdict.reason)
        return self._end(verdict)

    def give_up_canary(self) -> None:
        """Take the bad pods out of the Service, put the records back, and let the canary rest where it may."""
        self._do(self._clearing, self._recording, self._resting)

    @property
    def undone(self) -> tuple[str, ...]:
        """What could not be done, each with the command that does it by hand."""
        return tuple(self._undone.values())

    @property
    def _clearing(self) -> _Step:
        what = "the bad pods cannot be taken out of the Service"
        return _Step(what, self._clear_service, self._scale, at_once=True)

    @property
    def _recording(self) -> _Step:
        return _Step("its records cannot be put back", self._put_records_back, lambda: GO_ON)

    @property
    def _resting(self) -> _Step:
        return _Step("the canary cannot be scaled to 0", self._rest_canary, self._scale)

    def _clear_service(self) -> None:
        """Take out of the Service what does not run the release gone back to, as far as its capacity allows."""
        found = self.pods.look(self.wanted)
        dispensable = found.to_take_off(self.pods.least(self._replicas()))
        names = {pod.metadata.name for pod in dispensable}
        staying = [pod for pod in found.bad if pod.metadata.name not in names]
        self._canary_needed = any(pod.ready and track_of(pod) == CANARY for pod in staying)
        if not self._canary_needed:
            # Before its pods leave: a Gateway would go on sending the canary's share to nobody.
            take_weight_off(self.cluster, self.names)
        if self.selects:
            self.pods.put_on(found.idle)
            self.pods.take_off(dispensable)
            if dispensable and not self._some_left:
                stay = "stays" if len(staying) == 1 else "stay"
                more = f"; {counted(len(staying))} {stay} until others are ready" if staying else ""
                self._tell(f"{counted(len(dispensable))} of another release taken out of the Service{more}")
        in_service = staying if self.selects else found.bad
        if self.off_seconds is None and not in_service:
            self.off_seconds = self._elapsed
            if self._some_left:
                self._tell("no pod of another release is left in the Service")
        self._some_left = self._some_left or bool(in_service)

    def _rest_canary(self) -> None:
        """Scale the canary to 0 and put its template back, unless its pods are still needed to serve."""
        if self._canary_needed or self._canary_rests:
            return
        name, template = self.names.canary, as_canary(self.wanted)
        found = self.cluster.deployment(name)
        if found is not None:
            if found.spec.replicas:
                self.cluster.scale(name, 0)
            current = self.cluster.deployment_template(name)
            back = current is not None and not is_as(current, template)
            if back:
                self.cluster.replace_deployment_template(name, template)
            if found.spec.replicas or back:
                self._tell(f"the canary is scaled to 0 and has the template of {self.name}")
        self._canary_rests = True

    def _scale(self) -> str:
        return f"kubectl -n {self.cluster.namespace} scale deployment/{self.names.canary} --replicas=0"

    def _undo(self) -> str:
        # Where stable has not moved an undo would bring an older release than the one that serves.
        if self._stable_moved:
            return f"kubectl -n {self.cluster.namespace} rollout undo deployment/{self.names.deployment}"
        return GO_ON

    def _put_records_back(self) -> None:
        changed = self.records_back()
        if changed:
            self._tell(f"{changed} record{'' if changed == 1 else 's'} put back")

    def _put_stable_back(self) -> None:
        name, told = self.names.deployment, self.name
        template = self.cluster.deployment_template(name)
        if template is None:
            raise ClusterError(f"Deployment {name} is gone", mend="run the update of a verified version")
        self._stable_moved = not is_as(template, self.wanted)
        if not self._stable_moved:
            self._tell(f"stable has the template of {told}")
        else:
            self.cluster.replace_deployment_template(name, self.wanted)
            self._tell(f"stable gets the template of {told} back")
        found = self.cluster.deployment(name)
        if self.replicas and found is not None and found.spec.replicas < self.replicas:
            self.cluster.scale(name, self.replicas)
            self._tell(f"stable is scaled from {found.spec.replicas} to {self.replicas}")
        self._stable_back = True

    def _whole(self) -> Verdict:
        return wait_for_verdict(
            self._look,
            waiting_for=f"rollback to {self.name}",
            timeout_seconds=self.timeout_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )

    def _look(self) -> Verdict:
        """Let go of what is no longer needed to serve, and judge stable."""
        errors = [self._error_of(step) for step in (self._clearing, self._resting)]
        verdict = judge_rollout(self.cluster, self.names.deployment, self.names.selector(STABLE), proven=True)
        # What the cluster refuses is not waited for: it stands in what could not be done.
        if verdict.kind is not Kind.PASS or self._canary_rests or isinstance(errors[-1], ClusterError):
            return verdict
        why = [str(error) for error in errors if error is not None]
        return Verdict(Kind.TOO_FEW, why[0] if why else "pods of the canary are still needed to serve")

    def _behind_the_service(self) -> Verdict:
        return wait_for_verdict(
            lambda: self._answer(lambda: self.pods.judge_behind(self.wanted, self.name)),
            waiting_for="Service",
            timeout_seconds=ENDPOINTS_SECONDS,
            interval_seconds=ENDPOINTS_INTERVAL_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )

    def _end(self, verdict: Verdict) -> Outcome:
        name, seconds = self.name, f"{self._elapsed:.1f} s"
        if verdict.kind is not Kind.PASS:
            unseen = f"it is not seen to serve: {verdict}"
            reason = f"{name} was put back, but after {seconds} {'; '.join([unseen, *self.undone])}"
            return self._outcome(verdict.kind, reason, moved=True)
        missing = [text for step, text in self._undone.items() if not step.at_once]
        if missing:
            reason = f"{name} was put back, but after {seconds} not all is as it was: {'; '.join(missing)}"
            return self._outcome(Kind.UNREACHABLE, reason, moved=True)
        return self._outcome(Kind.PASS, f"{name} serves again after {seconds}", moved=True)

    def _outcome(self, kind: Kind, reason: str, *, moved: bool) -> Outcome:
        return Outcome(kind, reason, moved, self.off_seconds, self._elapsed, self.undone)

    def _replicas(self) -> int:
        if self.replicas:
            return self.replicas
        stable = self.cluster.deployment(self.names.deployment)
        return 0 if stable is None else stable.spec.replicas

    def _do(self, *steps: _Step) -> None:
        """Do each step, and those again that the cluster gave no answer to, for as long as it may take to come back.

        No step waits for the one before it: what can be done at once is.
        """
        left = list(steps)
        while left:
            errors = [(step, self._error_of(step)) for step in left]
            left = [step for step, error in errors if isinstance(error, Unreachable)]
            over = self._elapsed + AGAIN_SECONDS > min(PATIENCE_SECONDS, self.timeout_seconds)
            for step, error in errors:
                if error is not None and (over or step not in left):
                    self._note_undone(step, error)
            if over:
                return
            if left:
                self.reporter.live("rollback: the cluster gives no answer; trying again")
                self.clock.sleep(AGAIN_SECONDS)

    def _error_of(self, step: _Step) -> ClusterError | Unreachable | None:
        try:
            step.act()
        except (ClusterError, Unreachable) as error:
            return error
        self._undone = {other: text for other, text in self._undone.items() if other.failing != step.failing}
        return None

    def _note_undone(self, step: _Step, error: ClusterError | Unreachable) -> None:
        self._tell(f"{step.failing}: {error}")
        self._undone[step] = f"{step.failing}: {error}. By hand: {step.by_hand()}"

    @staticmethod
    def _answer(look: Callable[[], Verdict]) -> Verdict:
        try:
            return look()
        except Unreachable as error:
            return Verdict(Kind.UNREACHABLE, str(error))

    @staticmethod
    def _seen(look: Callable[[], Verdict]) -> Verdict:
        """Return what was seen; what the cluster refuses to show is not seen."""
        try:
            return look()
        except ClusterError as error:
            return Verdict(Kind.UNREACHABLE, str(error))

    @property
    def _elapsed(self) -> float:
        return self.clock.now() - self._started

    def _tell(self, text: str) -> None:
        self.reporter.line(f"rollback: {text} ({self._elapsed:.1f} s)")
