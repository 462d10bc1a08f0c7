"""The last gate: a release is verified, or it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from checks.every_pod import judge_every_pod
from checks.logs import read_logs
from checks.reader import Unreachable
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import wait_for_verdict
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import ReleaseRecord
from cluster.names import STABLE
from cluster.release import Release
from cluster.releases import VerifiedReleases, verified_now
from cluster.rollback.going_back import INTERVAL_SECONDS
from cluster.rollback.outcome import Outcome
from cluster.rollback.rollback import Rollback, undo_command
from cluster.verification.steps import FurtherStep, Nobody, Onlooker, Step, StepEnd

# So much of what a script printed goes into the release's record; all of it goes into verification.json.
OUTPUT_KEPT = 3500


@dataclass(frozen=True)
class VerificationGate:
    """Verifies a release that has been put on the cluster, step by step, and takes it back where a step fails.

    Steps, in this order: every pod of the application is ready, within `pods_timeout_seconds` (None: as long as a
    rollback may take), and those that serve run the release; the last log lines are read; /health answers right; then
    the `further` ones, each with its name. A step that does not pass is the last one.

    `automatic` says whether a release may be taken back without a person, and `rollback_when_unknown` whether a step
    that ends without an answer (NO_DATA, TOO_FEW, UNREACHABLE) is taken back as well; otherwise the release is held:
    the update fails and the pods stay as they are. What happens is added to `history`, where there is one, and told
    to the `onlooker`.
    """

    rollback: Rollback
    log_lines: int
    rollback_when_unknown: bool
    automatic: bool = True
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    further: tuple[FurtherStep, ...] = ()
    history: ReleaseRecord | None = None
    pods_timeout_seconds: float | None = None
    onlooker: Onlooker = field(default_factory=Nobody)

    def run(self, release: Release, record: Mapping[str, str]) -> None:
        """Return when `release` is verified and recorded as such. Raises GateFailed after the rollback.

        `record` is what the gate's own record will say once it is written.
        """
        steps = self._steps(release)
        self.onlooker.begins(release, [name for name, _ in steps])
        try:
            for name, step in steps:
                self._take(release, name, step)
            self._record(release, record)
        except _EndedError as end:
            self.onlooker.ends(end.outcome, str(end))
            raise GateFailed(str(end)) from end.__cause__
        except GateFailed as error:
            # This run may change nothing any more, not even the release's record.
            self.onlooker.ends("failed", str(error))
            raise
        self.onlooker.ends("verified", f"release {release.version} is verified in {self._where}")

    def _steps(self, release: Release) -> tuple[Step, ...]:
        back = self.rollback
        return (
            ("pods", self._pods),
            ("logs", self._logs),
            ("health", lambda: back.health.run(release.version, back.reporter)),
            *((name, partial(step, release)) for name, step in self.further),
        )

    def _take(self, release: Release, name: str, step: Callable[[], Verdict]) -> None:
        """Take one step. Raises _EndedError after the rollback where it does not pass."""
        back = self.rollback
        self.onlooker.step_begins(name)
        began, started = self.wall_clock(), back.clock.now()
        verdict = _answer_of(step)
        seconds = back.clock.now() - started
        self.onlooker.step_ends(StepEnd(name, verdict, began, seconds))
        back.reporter.line(f"{name}: {verdict} ({seconds:.1f} s)")
        if verdict.kind is not Kind.PASS:
            raise self._end(release, name, verdict, seconds)
        self._note_step(name, verdict, seconds)
        for detail in verdict.details:
            back.reporter.line(f"{name}:   | {detail}")

    @property
    def _selector(self) -> str:
        return self.rollback.names.selector(STABLE)

    @property
    def _where(self) -> str:
        return self.rollback.cluster.namespace

    @property
    def _by_hand(self) -> str:
        return f"Look at the pods: kubectl -n {self._where} describe pods -l {self._selector}"

    def _record(self, release: Release, record: Mapping[str, str]) -> None:
        cluster, names = self.rollback.cluster, self.rollback.names
        deployment = names.deployment
        try:
            verified = verified_now(cluster, deployment, release, list(self.rollback.records), self.wall_clock)
            records = {**verified.records, names.record("verified"): dict(record)}
            VerifiedReleases(cluster, deployment).add(verified.model_copy(update={"records": records}))
        except (ClusterError, Unreachable) as error:
            self._finish("held", f"it cannot be recorded as verified: {error}")
            raise _EndedError(
                "held",
                f"release {release.version} is held in {self._where}: it is healthy, but cannot be recorded"
                f" as verified: {error}. Nothing was changed back; the same command looks again",
            ) from error
        self._finish("verified")

    def _pods(self) -> Verdict:
        back = self.rollback
        return wait_for_verdict(
            self._look_at_pods,
            waiting_for="pods",
            timeout_seconds=back.timeout_seconds if self.pods_timeout_seconds is None else self.pods_timeout_seconds,
            interval_seconds=INTERVAL_SECONDS,
            reporter=back.reporter,
            clock=back.clock,
        )

    def _look_at_pods(self) -> Verdict:
        cluster, names = self.rollback.cluster, self.rollback.names
        release = judge_rollout(cluster, names.deployment, self._selector)
        if release.kind is not Kind.PASS:
            return release
        # A canary that is still there, or a pod that somebody else started, answers the users too.
        every = judge_every_pod(cluster, names.pods)
        return release if every.kind is Kind.PASS else every

    def _logs(self) -> Verdict:
        cluster = self.rollback.cluster
        staying = [pod for pod in cluster.pods(self._selector) if pod.metadata.deletion_timestamp is None]
        return read_logs(cluster, staying, lines=self.log_lines)

    def _end(self, release: Release, step: str, verdict: Verdict, seconds: float) -> _EndedError:
        """Take the release back, or hold it, and return how it ended with what a person reads."""
        why = f"step {step} ended with {verdict}"
        log = "".join(f"\n  | {line}" for line in verdict.details)
        if not self.automatic or (verdict.kind is not Kind.FAIL and not self.rollback_when_unknown):
            self._note_step(step, verdict, seconds)
            self._finish("held", why)
            return _EndedError(
                "held",
                f"release {release.version} is held in {self._where}: {why}. Nothing was changed back."
                f" {self._by_hand}; the same command looks again{log}",
            )
        outcome = self._take_back(release)
        # Only now: whatever keeps the record from being written must not keep a bad release in front of the users.
        self._note_step(step, verdict, seconds)
        self._note("rollback", cause=why, outcome=str(outcome), seconds=outcome.whole_seconds, off=outcome.off_seconds)
        self._finish("failed", why)
        if outcome.kind is Kind.PASS:
            return _EndedError(
                "failed",
                f"release {release.version} was taken back in {self._where}: {why}. {outcome.reason}; mend the release"
                f" and run the same command{log}",
            )
        taken = "was taken back" if outcome.moved else "failed"
        text = f"release {release.version} {taken} in {self._where}: {why}. {outcome.reason}. {self._by_hand}{log}"
        return _EndedError("failed", text)

    def _take_back(self, release: Release) -> Outcome:
        cluster, deployment = self.rollback.cluster, self.rollback.names.deployment
        try:
            last = VerifiedReleases(cluster, deployment).last()
        except (ClusterError, Unreachable) as error:
            undo = f"By hand: {undo_command(self._where, deployment)}"
            return Outcome(Kind.UNREACHABLE, f"THE ROLLBACK FAILED TOO: {error}. {undo}", moved=False)
        if last is not None and last.release.identity == release.identity:
            nothing = "It is the release that was verified last, so there is nothing else to go back to"
            return Outcome(Kind.NO_DATA, nothing, moved=False)
        return self.rollback.run(release, last)

    def _note(self, kind: str, **facts: object) -> None:
        if self.history is not None:
            self.history.append(kind, **facts)

    def _note_step(self, step: str, verdict: Verdict, seconds: float) -> None:
        self._note(
            "gate",
            step=step,
            verdict=str(verdict.kind),
            reason=verdict.reason,
            numbers=verdict.numbers,
            query=verdict.query,
            seconds=seconds,
            **({"output": "\n".join(verdict.output)[-OUTPUT_KEPT:]} if verdict.output else {}),
        )

    def _finish(self, outcome: str, cause: str = "") -> None:
        if self.history is not None:
            self.history.finish(outcome, cause)


class _EndedError(Exception):
    """The release did not pass: how its record says that it ended, and what a person reads."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


def _answer_of(step: Callable[[], Verdict]) -> Verdict:
    """Return the verdict of the step; one that the cluster refuses to let be taken is no answer either."""
    try:
        return step()
    except (ClusterError, Unreachable) as error:
        return Verdict(Kind.UNREACHABLE, str(error))
