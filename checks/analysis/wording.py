"""How an analysis is told to somebody who is on call at night: numbers, limit and certainty in plain words."""

from __future__ import annotations

import math

from checks.analysis.limits import Limits, StepDemand
from checks.analysis.relative_latency import SlowerFinding
from checks.analysis.stream import StreamFinding
from checks.analysis.tally import Tally
from checks.analysis.traffic_share import Share, ShareFinding

_LEAST_CHANCE_SAID = 9.0  # 1 in 10 to the power of this


def percent(share: float) -> str:
    """Return a measured share for reading: two places below 1 %, one above."""
    places = 2 if share < 0.01 else 1
    return f"{100 * share:.{places}f} %"


def limit_percent(share: float) -> str:
    """Return a share that somebody has set, as they wrote it."""
    return f"{100 * share:g} %"


def chance(log_evidence: float) -> str:
    """Return what evidence of this size says of chance: "1 in 100,000", rounded to the safe side (1, 2 or 5)."""
    power = min(log_evidence / math.log(10), _LEAST_CHANCE_SAID)
    whole = math.floor(power + 1e-9)
    lead = max(step for step in (1, 2, 5) if math.log10(step) <= power - whole + 1e-9)
    return f"1 in {lead * 10**whole:,}"


def requests(count: int) -> str:
    """Return a number of requests."""
    return f"{count:,} request" if count == 1 else f"{count:,} requests"


def of(bad: int, whole: int) -> str:
    """Return a count and what it is a part of."""
    return f"{bad:,} of {whole:,}"


def errors_failed(found: StreamFinding, limits: Limits) -> str:
    """Return why the canary fails for its errors."""
    return _failed(found, "ended with an error", limits.error_share)


def slow_failed(found: StreamFinding, limits: Limits) -> str:
    """Return why the canary fails for requests beyond the limit of latency."""
    return _failed(found, f"took longer than {limits.slow_seconds:g} s", limits.slow_share)


def _failed(found: StreamFinding, what: str, limit: float) -> str:
    counts = found.counts
    share = f"{percent(counts.canary_share)}, limit {limit_percent(limit)}"
    start = f"{of(counts.canary_bad, counts.canary_requests)} requests to the canary {what}"
    stable = of(counts.stable_bad, counts.stable_requests)
    if found.stable_shows_the_same:
        odds = chance(found.log_worse_than_stable)
        return (
            f"{start} ({share}); of stable's {stable} ({percent(counts.stable_share)}), but the canary is worse: "
            f"chance of this with a canary no worse than stable below {odds}"
        )
    beside = f"stable {stable}" if counts.stable_requests else "stable had no requests"
    return f"{start} ({share}; {beside}): chance of this with a good canary below {chance(found.log_above_limit)}"


def slower_failed(found: SlowerFinding, limits: Limits) -> str:
    """Return why the canary fails for being slower than stable."""
    counts = found.counts
    return (
        f"{of(counts.canary_bad, counts.canary_requests)} requests to the canary took longer than "
        f"{found.bound_seconds:g} s ({percent(counts.canary_share)}), and of stable's at the same time "
        f"{of(counts.stable_bad, counts.stable_requests)} ({percent(counts.stable_share)}; "
        f"{100 * limits.slower_margin:g} points more are tolerated): "
        f"chance of this with a canary as fast as stable below {chance(found.log_evidence)}"
    )


def excused(found: StreamFinding, what: str, limit: float) -> str:
    """Return why a canary above a limit does not fail: stable is above it, too."""
    counts = found.counts
    return (
        f"{what}: the canary is above the limit of {limit_percent(limit)} "
        f"({of(counts.canary_bad, counts.canary_requests)}, {percent(counts.canary_share)}), but stable shows the same "
        f"({of(counts.stable_bad, counts.stable_requests)}, {percent(counts.stable_share)}): not enough to blame the "
        f"canary, and no reason to promote it"
    )


def share_wrong(found: ShareFinding) -> str:
    """Return what is wrong with the canary's share of the requests."""
    word = "only" if found.share is Share.TOO_LITTLE else "as much as"
    return (
        f"the canary gets {word} {percent(found.observed)} of the requests where {100 * found.expected:.3g} % were "
        f"asked for (latest {found.requests:,}): check the Service's endpoints and which pods are ready"
    )


def bounds(errors: StreamFinding, slow: StreamFinding, limits: Limits, demand: StepDemand) -> str:
    """Return what is known of both rates, next to what the step has to rule out."""
    return (
        f"errors at most {percent(errors.at_most)} (to rule out {limit_percent(demand.rule_out_errors)}), "
        f"slower than {limits.slow_seconds:g} s at most {percent(slow.at_most)} "
        f"(to rule out {limit_percent(demand.rule_out_slow)}), {limit_percent(1 - limits.promote_level)} certain"
    )


def live_line(errors: StreamFinding, slow: StreamFinding | None, stable: Tally, demand: StepDemand) -> str:
    """Return the line that is shown while the gate runs."""
    counts = errors.counts
    canary = f"canary {requests(counts.canary_requests)}"
    if counts.canary_requests:
        canary += f", errors {_rate(errors, demand.rule_out_errors)}"
        canary += f", slow {_slow(slow, demand.rule_out_slow)}"
    beside = "stable no requests"
    if stable.requests:
        beside = f"stable {requests(stable.requests)}, {percent(counts.stable_share)}"
        beside += f", {percent(slow.counts.stable_share)}" if slow else ""
    go = max(errors.to_go, slow.to_go if slow else 0)
    return f"{canary}; {beside}; " + (f"{requests(go)} to go" if go else "enough requests")


def _slow(found: StreamFinding | None, rule_out: float) -> str:
    if found is None:
        return "not known"
    # Its counts begin once the pods are warm.
    return _rate(found, rule_out) if found.counts.canary_requests else "not judged before its pods are warm"


def _rate(found: StreamFinding, rule_out: float) -> str:
    share = percent(found.counts.canary_share)
    return f"{share} (at most {percent(found.at_most)}, to rule out {limit_percent(rule_out)})"
