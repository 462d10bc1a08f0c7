"""The last gate: a release is verified, or it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from checks.health import HealthCheck
from checks.logs import read_logs
from checks.reader import Unreachable
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster
from cluster.errors import ClusterError, GateFailed
from cluster.release import Release
from cluster.releases import VerifiedRelease, VerifiedReleases, verified_now
from cluster.rollback import INTERVAL_SECONDS, go_back

Step = tuple[str, Callable[[], Verdict]]
FurtherStep = tuple[str, Callable[[Release], Verdict]]


@dataclass(frozen=True)
class VerificationGate:
    """Verifies a release that has been put on the cluster, step by step, and takes it back where a step fails.

    Steps, in this order: the pods run the release and are ready; the last log lines are read; /health answers right;
    then the `further` ones, each with its name.
    `rollback_when_unknown` says whether a step that ends without an answer (NO_DATA, TOO_FEW, UNREACHABLE) is taken
    back as well; otherwise it is held: the update fails and the pods stay as they are.
    """

    cluster: Cluster
    deployment: str
    selector: str
    records: tuple[str, ...]
    health: HealthCheck
    rollout_timeout_seconds: float
    log_lines: int
    rollback_when_unknown: bool
    reporter: Reporter
    clock: Clock
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    further: tuple[FurtherStep, ...] = ()

    def run(self, release: Release) -> None:
        """Return when `release` is verified and recorded as such. Raises GateFailed after the rollback."""
        steps: tuple[Step, ...] = (
            ("pods", self._pods),
            ("logs", self._logs),
            ("health", lambda: self.health.run(release.version, self.reporter)),
            *((name, partial(step, release)) for name, step in self.further),
        )
        for name, step in steps:
            started = self.clock.now()
            verdict = _answer_of(step)
            self.reporter.line(f"{name}: {verdict} ({self.clock.now() - started:.1f} s)")
            if verdict.kind is not Kind.PASS:
                raise GateFailed(self._take_back(release, name, verdict))
            for detail in verdict.details:
                self.reporter.line(f"{name}:   | {detail}")
        self._record(release)

    def _record(self, release: Release) -> None:
        releases = VerifiedReleases(self.cluster, self.deployment)
        try:
            releases.add(verified_now(self.cluster, self.deployment, release, list(self.records), self.wall_clock))
        except (ClusterError, Unreachable) as error:
            raise GateFailed(
                f"release {release.version} is held in {self.cluster.namespace}: it is healthy, but cannot be recorded"
                f" as verified: {error}. Nothing was changed back; the same command looks again"
            ) from error

    def _pods(self) -> Verdict:
        return wait_for_verdict(
            lambda: judge_rollout(self.cluster, self.deployment, self.selector),
            waiting_for="pods",
            timeout_seconds=self.rollout_timeout_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=self.reporter,
            clock=self.clock,
        )

    def _logs(self) -> Verdict:
        staying = [pod for pod in self.cluster.pods(self.selector) if pod.metadata.deletion_timestamp is None]
        return read_logs(self.cluster, staying, lines=self.log_lines)

    def _take_back(self, release: Release, step: str, verdict: Verdict) -> str:
        why = f"step {step} ended with {verdict}"
        log = "".join(f"\n  | {line}" for line in verdict.details)
        where = self.cluster.namespace
        if verdict.kind is not Kind.FAIL and not self.rollback_when_unknown:
            return (
                f"release {release.version} is held in {where}: {why}. Nothing was changed back."
                f" {self._by_hand()}; the same command looks again{log}"
            )
        try:
            last = VerifiedReleases(self.cluster, self.deployment).last()
            if last is None or last.release.identity == release.identity:
                way_back = _no_way_back(last)
                return f"release {release.version} failed in {where}: {why}. {way_back}. {self._by_hand()}{log}"
            back = self._go_back(release, last)
        except (ClusterError, Unreachable) as error:
            return (
                f"release {release.version} failed in {where}: {why}. THE ROLLBACK FAILED TOO: {error}. "
                f"By hand: kubectl -n {where} rollout undo deployment/{self.deployment}{log}"
            )
        return f"release {release.version} was taken back in {where}: {why}. {back}{log}"

    def _go_back(self, release: Release, last: VerifiedRelease) -> str:
        started = self.clock.now()
        name = last.release.told_apart_from(release)
        self.reporter.line(f"rollback: going back to {name}")
        verdict = go_back(
            self.cluster,
            self.deployment,
            self.selector,
            last,
            timeout_seconds=self.rollout_timeout_seconds,
            reporter=self.reporter,
            clock=self.clock,
        )
        if verdict.kind is Kind.PASS:
            verdict = self.health.run(last.release.version, self.reporter)
        seconds = self.clock.now() - started
        if verdict.kind is Kind.PASS:
            return (
                f"{last.release.version} serves again after {seconds:.1f} s; mend the release and run the same command"
            )
        return (
            f"{last.release.version} was put back, but after {seconds:.1f} s it is not seen to serve: {verdict}."
            f" {self._by_hand()}"
        )

    def _by_hand(self) -> str:
        return f"Look at the pods: kubectl -n {self.cluster.namespace} describe pods -l {self.selector}"


def _answer_of(step: Callable[[], Verdict]) -> Verdict:
    """Return the verdict of the step; one that the cluster refuses to let be taken is no answer either."""
    try:
        return step()
    except (ClusterError, Unreachable) as error:
        return Verdict(Kind.UNREACHABLE, str(error))


def _no_way_back(last: VerifiedRelease | None) -> str:
    if last is None:
        return "It is the first release here, so there is nothing to go back to; its pods were left for inspection"
    return "It is the release that was verified last, so there is nothing else to go back to"
