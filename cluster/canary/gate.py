"""The gate of one step of a canary: the release goes on, is held, or is taken back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.reader import Unreachable
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import wait_for_verdict
from cluster.canary.pods import StepPlan, let_canary_go
from cluster.canary.step import CanaryStep, Instruments, StepResult
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import ReleaseRecord
from cluster.names import STABLE
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases, serving_release
from cluster.rollback.rollback import Rollback
from cluster.verification.steps import StepEnd

INTERVAL_SECONDS = 0.5
# The release, how its step ended, `failed` or `held` as the release's record says, and what a person reads.
Report = Callable[[Release, StepEnd, str, str], None]


def _nobody(_release: Release, _step: StepEnd, _outcome: str, _text: str) -> None:
    return


@dataclass(frozen=True)
class CanaryGate:
    """Lets a release through one step of its canary.

    `instruments` gives what to measure with, for the time of this step. `rollback` takes the release back, and says
    which cluster, names and clock are meant;
    `automatic` says whether it may, and `rollback_when_unknown` whether a step that ends without an answer (NO_DATA,
    TOO_FEW, UNREACHABLE) is taken back as well; otherwise the release is held: the update fails and the pods stay.
    """

    step: StepPlan
    instruments: Callable[[], AbstractContextManager[Instruments]]
    rollback: Rollback
    history: ReleaseRecord
    automatic: bool
    rollback_when_unknown: bool
    report: Report = _nobody
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, release: Release) -> None:
        """Return when the release may go on. Raises GateFailed with what happened, why, and what to do next."""
        back = self.rollback
        try:
            last = self._way_back()
        except (ClusterError, Unreachable) as error:
            raise GateFailed(
                f"release {release.version} cannot begin step {self._step} in {self._where}: {error}. Nothing was"
                " changed by this step; the same command measures again"
            ) from error
        if last is None:
            self._first(release)
            return
        if last.release.identity == release.identity:
            self._tell(f"{release.version} serves already, and is verified")
            return
        began = self.wall_clock()
        with self.instruments() as instruments:
            step = CanaryStep(back.cluster, back.names, self.step, instruments, back.reporter, back.clock)
            result = step.run()
        self._tell(f"{result.verdict} ({result.seconds:.1f} s)")
        if result.verdict.kind is not Kind.PASS:
            outcome, text = self._end(release, last, result)
            self.report(release, StepEnd(f"step {self._step}", result.verdict, began, result.seconds), outcome, text)
            raise GateFailed(text)
        if self.step.last:
            self._let_the_canary_go()
        self._note(result)

    @property
    def _where(self) -> str:
        return self.rollback.cluster.namespace

    @property
    def _step(self) -> str:
        return f"{self.step.percent} %"

    def _tell(self, text: str) -> None:
        self.rollback.reporter.line(f"step {self._step}: {text}")

    def _note(self, result: StepResult) -> None:
        verdict = result.verdict
        self.history.append(
            "gate",
            step=self._step,
            verdict=str(verdict.kind),
            reason=verdict.reason,
            numbers=dict(verdict.numbers),
            query=verdict.query,
            seconds=result.seconds,
            hurt=result.hurt,
            samples=list(result.samples),
        )

    def _way_back(self) -> VerifiedRelease | None:
        """Return what to go back to: what serves now, which after a rollback by hand is not what was verified last."""
        cluster, deployment = self.rollback.cluster, self.rollback.names.deployment
        releases = VerifiedReleases(cluster, deployment)
        last = releases.last()
        if self.step.last or last is None:
            return last
        serving = serving_release(cluster, deployment)
        if serving is None or serving.release == last.release:
            return last
        releases.return_to(serving)
        return serving

    def _first(self, release: Release) -> None:
        """Pass the steps of a release that has none before it: nobody can be asked to serve in its place."""
        back = self.rollback
        if not self.step.last:
            self._tell(f"{release.version} is the first release here: there is no version to stand beside")
            return
        verdict = wait_for_verdict(
            lambda: judge_rollout(back.cluster, back.names.deployment, back.names.selector(STABLE)),
            waiting_for="pods of the first release",
            timeout_seconds=self.step.ready_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=back.reporter,
            clock=back.clock,
        )
        self._tell(str(verdict))
        if verdict.kind is not Kind.PASS:
            self.history.finish("failed", str(verdict))
            raise GateFailed(
                f"release {release.version} failed in {self._where}: {verdict}. It is the first release here, so there"
                f" is nothing to go back to; its pods were left for inspection. {self._by_hand}{_lines(verdict)}"
            )

    def _end(self, release: Release, last: VerifiedRelease, result: StepResult) -> tuple[str, str]:
        """Take the release back, or hold it; return the outcome for the record, and what a person reads."""
        verdict, named = result.verdict, release.told_apart_from(last.release)
        where, hurt = f"in {self._where} at step {self._step}", _counted(result.hurt)
        if not self.automatic or (verdict.kind is not Kind.FAIL and not self.rollback_when_unknown):
            self._note(result)
            self.history.finish("held", str(verdict))
            return "held", (
                f"release {named} is held {where}: {verdict}; {hurt}. It was not promoted, and nothing was"
                f" changed back. {self._by_hand}; the same command measures again, make rollback takes it back"
                f"{_lines(verdict)}"
            )
        outcome = self.rollback.run(release, last, cause=f"step {self._step}: {verdict}")
        # Only now: whatever keeps the record from being written must not keep a bad release in front of the users.
        self._note(result)
        self.history.append(
            "rollback", cause=str(verdict), outcome=str(outcome), seconds=outcome.whole_seconds, off=outcome.off_seconds
        )
        self.history.finish("failed", f"step {self._step}: {verdict}")
        if outcome.kind is Kind.PASS:
            return "failed", (
                f"release {named} was taken back {where}: {verdict}; {hurt}. {outcome.reason}; {_next(verdict)} and run"
                f" the same command{_lines(verdict)}"
            )
        taken = "was taken back" if outcome.moved else "failed"
        return "failed", (
            f"release {named} {taken} {where}: {verdict}; {hurt}. {outcome.reason}. {self._by_hand}{_lines(verdict)}"
        )

    def _let_the_canary_go(self) -> None:
        back = self.rollback
        try:
            if back.replicas is not None:
                self._make_stable_whole(back.replicas)
            let_canary_go(back.cluster, back.names)
        except (ClusterError, Unreachable) as error:
            raise GateFailed(
                f"all pods run the release, but its canary cannot be scaled to 0: {error}; the same command goes on"
            ) from error

    def _make_stable_whole(self, replicas: int) -> None:
        """Start the pods of stable whose place the canary had, before the canary goes."""
        back = self.rollback
        back.cluster.scale(back.names.deployment, replicas)
        verdict = wait_for_verdict(
            lambda: judge_rollout(back.cluster, back.names.deployment, back.names.selector(STABLE)),
            waiting_for=f"{replicas} pods of stable in place of the canary's",
            timeout_seconds=self.step.ready_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=back.reporter,
            clock=back.clock,
        )
        if verdict.kind is not Kind.PASS:
            raise ClusterError(f"stable is not whole without it: {verdict}")

    @property
    def _by_hand(self) -> str:
        return f"Look at the pods: kubectl -n {self._where} describe pods -l {self.rollback.names.pods}"


def _next(verdict: Verdict) -> str:
    if verdict.kind is Kind.FAIL:
        return "mend the release"
    return "whether the release is good is not known: see to what was missing"


def _counted(hurt: int) -> str:
    # What its pods answered after the last look, or could not answer any more, nobody has counted.
    if hurt == 0:
        return "no request is known to be hurt"
    return f"at least {hurt} request{'s were' if hurt > 1 else ' was'} hurt"


def _lines(verdict: Verdict) -> str:
    return "".join(f"\n  | {line}" for line in verdict.details)
