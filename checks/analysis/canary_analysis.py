"""The judgement of a canary in one gate, look by look."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from checks.analysis import wording
from checks.analysis.counts import Counts
from checks.analysis.limits import Limits, StepDemand, check_expected_share
from checks.analysis.relative_latency import SlowerFinding, SlowerThanStable
from checks.analysis.stream import Stream, StreamFinding
from checks.analysis.tally import Tally
from checks.analysis.traffic_share import Share, ShareFinding, TrafficShare
from checks.verdict import Kind, Verdict

_MOST_SAID = 700.0  # an e-value beyond e to the power of this is no float


@dataclass(frozen=True)
class Assessment:
    """What one look says: the verdict, and the line that is shown while the gate goes on."""

    verdict: Verdict
    line: str


@dataclass(frozen=True)
class _Look:
    """All that one look has found."""

    canary: Tally
    stable: Tally
    errors: StreamFinding
    slow: StreamFinding | None
    slower: SlowerFinding
    share: ShareFinding


@dataclass
class CanaryAnalysis:
    """Judges the canary of one gate: FAIL above a limit or slower than stable, PASS with the step's rates ruled out.

    One object for one gate. It may be asked at any time and as often as wanted: the chance that a good canary fails at
    any look is at most `limits.false_abort`. It waits for nothing and measures nothing.

    A bad canary fails whatever share of the requests it gets; a good one passes only with the share that was asked for.
    Errors count from the first request. Latency counts from the first look that is `warm`: the first requests of a
    process that has just started are slow in every release.
    """

    limits: Limits
    demand: StepDemand
    _canary: Tally = field(default_factory=Tally)
    _stable: Tally = field(default_factory=Tally)
    _errors: Stream = field(init=False)
    _slow: Stream = field(init=False)
    _slower: SlowerThanStable = field(init=False)
    _traffic: TrafficShare = field(default_factory=TrafficShare)
    _cold: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))
    _warm: bool = False

    def __post_init__(self) -> None:
        limits, demand = self.limits, self.demand
        level = limits.promote_level
        self._errors = Stream(limits.error_share, demand.rule_out_errors, limits.false_abort_for_errors, level)
        self._slow = Stream(limits.slow_share, demand.rule_out_slow, limits.false_abort_for_slow, level)
        self._slower = SlowerThanStable(limits.slower_margin, limits.false_abort_for_slower)

    def look(
        self, canary: Tally, stable: Tally, *, expected_share: float | None = None, warm: bool = True
    ) -> Assessment:
        """Judge what the canary's and stable's pods have answered since the gate began.

        Once a look was warm every later one is.

        `expected_share` replaces the step's from this look on; give 1 where no old pod is left: the limits alone decide
        then. Raises ValueError for a tally that went down (a pod that restarts counts from 0 again: the caller goes on
        adding) and for a share that is none.
        """
        if expected_share is not None:
            check_expected_share(expected_share)
            self.demand = replace(self.demand, expected_share=expected_share)
        _check_not_down("the canary's", self._canary, canary)
        _check_not_down("stable's", self._stable, stable)
        self._warm = self._warm or warm
        if not self._warm:
            self._cold = (canary, stable)
        found = self._find(canary, stable)
        self._canary, self._stable = canary, stable
        line = wording.live_line(found.errors, found.slow, stable, self.demand)
        verdict = self._judge(found)
        return Assessment(replace(verdict, numbers=self._numbers(found), query=self._query()), line)

    def _find(self, canary: Tally, stable: Tally) -> _Look:
        since_warm = canary.since(self._cold[0]), stable.since(self._cold[1])
        slow = _slow_counts(*since_warm, self.limits.slow_seconds)
        came = (canary.requests - self._canary.requests, stable.requests - self._stable.requests)
        if self._canary.requests == 0:
            # The stretch before the canary's first request says nothing of its share: its pods were still starting.
            came = (0, 0)
        return _Look(
            canary=canary,
            stable=stable,
            errors=self._errors.look(_error_counts(canary, stable)),
            slow=self._slow.look(slow) if slow else None,
            slower=self._slower.look(*since_warm),
            share=self._traffic.look(*came, self.demand.expected_share),
        )

    def _judge(self, found: _Look) -> Verdict:
        return self._failed(found) or self._unknown(found) or self._excused(found) or self._promotion(found)

    def _failed(self, found: _Look) -> Verdict | None:
        reasons = []
        if found.errors.failed:
            reasons.append(wording.errors_failed(found.errors, self.limits))
        if found.slow and found.slow.failed:
            reasons.append(wording.slow_failed(found.slow, self.limits))
        if found.slower.failed:
            reasons.append(wording.slower_failed(found.slower, self.limits))
        return Verdict(Kind.FAIL, reasons[0], details=tuple(reasons[1:])) if reasons else None

    def _unknown(self, found: _Look) -> Verdict | None:
        if found.canary.requests == 0:
            beside = f"stable {found.stable.requests:,}" if found.stable.requests else "nor has stable"
            return Verdict(Kind.NO_DATA, f"the canary has answered no request yet ({beside})")
        if found.slow is None:
            known = ", ".join(f"{bound:g}" for bound in sorted(found.canary.within)) or "none"
            return Verdict(
                Kind.NO_DATA,
                f"the latency histogram has no bucket that ends at {self.limits.slow_seconds:g} s "
                f"(the canary's: {known}): set the limit of latency to a bucket, or add the bucket",
            )
        if found.share.share in {Share.TOO_LITTLE, Share.TOO_MUCH}:
            return Verdict(Kind.NO_DATA, wording.share_wrong(found.share))
        return None

    def _excused(self, found: _Look) -> Verdict | None:
        if found.errors.excused:
            return Verdict(Kind.TOO_FEW, wording.excused(found.errors, "errors", self.limits.error_share))
        if found.slow and found.slow.excused:
            what = f"slower than {self.limits.slow_seconds:g} s"
            return Verdict(Kind.TOO_FEW, wording.excused(found.slow, what, self.limits.slow_share))
        return None

    def _promotion(self, found: _Look) -> Verdict:
        errors, slow = found.errors, found.slow
        if slow is None:
            raise ValueError("a canary whose latency is not known cannot be promoted")
        known = wording.bounds(errors, slow, self.limits, self.demand)
        if not (errors.ruled_out and slow.ruled_out):
            go = max(errors.to_go, slow.to_go)
            return Verdict(
                Kind.TOO_FEW, f"{wording.requests(go)} more to the canary without a fault are needed: {known}"
            )
        if found.share.share is Share.UNKNOWN:
            return Verdict(Kind.TOO_FEW, f"too few requests to tell the canary's share of them: {known}")
        return Verdict(Kind.PASS, f"after {wording.requests(found.canary.requests)} to the canary: {known}")

    def _numbers(self, found: _Look) -> dict[str, float | str]:
        slow = _stream_numbers("slow", found.slow, self.demand.rule_out_slow) if found.slow else {}
        return {
            "canary_requests": found.canary.requests,
            "stable_requests": found.stable.requests,
            **_stream_numbers("errors", found.errors, self.demand.rule_out_errors),
            **slow,
            "slower_than_stable_bound_seconds": found.slower.bound_seconds or "none",
            "slower_than_stable_canary_share": found.slower.counts.canary_share,
            "slower_than_stable_stable_share": found.slower.counts.stable_share,
            "slower_than_stable_evidence": _evidence(found.slower.log_evidence),
            "traffic_share": found.share.share.value,
            "traffic_share_observed": found.share.observed,
            "traffic_share_expected": found.share.expected,
            "requests_to_go": max(found.errors.to_go, found.slow.to_go if found.slow else 0),
        }

    def _query(self) -> str:
        return (
            "since the gate began, of the canary's pods and of stable's: requests answered, those that ended with an "
            f"error (limit {wording.limit_percent(self.limits.error_share)}), those slower than "
            f"{self.limits.slow_seconds:g} s (limit {wording.limit_percent(self.limits.slow_share)})"
        )


def _stream_numbers(name: str, found: StreamFinding, rule_out: float) -> dict[str, float | str]:
    return {
        f"{name}_canary": found.counts.canary_bad,
        f"{name}_canary_share": found.counts.canary_share,
        f"{name}_stable": found.counts.stable_bad,
        f"{name}_stable_share": found.counts.stable_share,
        f"{name}_at_least": found.at_least,
        f"{name}_at_most": found.at_most,
        f"{name}_to_rule_out": rule_out,
        f"{name}_evidence_above_limit": _evidence(found.log_above_limit),
        f"{name}_evidence_worse_than_stable": _evidence(found.log_worse_than_stable),
    }


def _evidence(log_evidence: float) -> float:
    return math.exp(min(log_evidence, _MOST_SAID))


def _error_counts(canary: Tally, stable: Tally) -> Counts:
    # An error may be counted an instant before its request is: never more errors than requests.
    canary_bad, stable_bad = min(canary.errors, canary.requests), min(stable.errors, stable.requests)
    return Counts(canary.requests, canary_bad, stable.requests, stable_bad)


def _slow_counts(canary: Tally, stable: Tally, seconds: float) -> Counts | None:
    canary_slow = canary.slower_than(seconds) if canary.requests else 0
    if canary_slow is None:
        return None
    stable_slow = stable.slower_than(seconds) if stable.requests else 0
    if stable_slow is None:
        return Counts(canary.requests, canary_slow)
    return Counts(canary.requests, canary_slow, stable.requests, stable_slow)


def _check_not_down(whose: str, before: Tally, now: Tally) -> None:
    if now.requests < before.requests or now.errors < before.errors:
        raise ValueError(
            f"{whose} tally went down, from {before.requests} requests and {before.errors} errors to {now.requests} "
            f"and {now.errors}: a tally counts all since the gate began, so that it only grows"
        )
