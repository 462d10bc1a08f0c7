"""From the answers of a load to the figures: how long a bad version served, and how many requests it hurt."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.canary_cases import IsBad
from sandbox.load.answer import Answer


@dataclass(frozen=True)
class Exposure:
    """What one bad version did to a load of `total` requests.

    `bad` answers came within `seconds`, from the first of them to the last; `share` is what they are of all requests
    that were answered meanwhile, by whichever version (0 to 1). `off_seconds` is from the first bad answer to the last
    answer, good or bad, of that version. `lost` are the failed requests of the whole load that it is not to blame for.
    """

    total: int
    bad: int
    seconds: float
    off_seconds: float
    share: float
    lost: int


def exposure(
    answers: Sequence[Answer], version: str, is_bad: IsBad, *, within_seconds: float | None = None
) -> Exposure:
    """Return what `version` did, by the answers that name it.

    With `within_seconds` whatever came later than that after the first bad answer is left out: for a version that
    nobody takes away.
    """
    in_order = sorted(answers, key=lambda answer: answer.answered_at)
    bad = [answer.answered_at for answer in in_order if answer.version == version and is_bad(answer)]
    if bad and within_seconds is not None:
        end = bad[0] + within_seconds
        in_order = [answer for answer in in_order if answer.answered_at <= end]
        bad = [at for at in bad if at <= end]
    lost = sum(answer.failure() is not None for answer in in_order if answer.version != version or not is_bad(answer))
    if not bad:
        return Exposure(len(in_order), 0, 0.0, 0.0, 0.0, lost)
    first, last = bad[0], bad[-1]
    of_version = [answer.answered_at for answer in in_order if answer.version == version]
    meanwhile = sum(first <= answer.answered_at <= last for answer in in_order)
    return Exposure(len(in_order), len(bad), last - first, of_version[-1] - first, len(bad) / meanwhile, lost)


@dataclass(frozen=True)
class Spread:
    """The median of some figures, the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of `values`, of which there must be one at least."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Run:
    """One release that was bad: what it did, and at which step it was taken back, such as `10 %`; None if never."""

    exposure: Exposure
    step: str | None


@dataclass(frozen=True)
class Summary:
    """All runs of one case. `steps` counts where they were taken back; `lost` and `total` are sums over all runs."""

    case: str
    runs: int
    found: int
    steps: tuple[str, ...]
    seconds: Spread
    bad: Spread
    share: Spread
    off_seconds: Spread
    lost: int
    total: int


def summary(case: str, runs: Sequence[Run]) -> Summary:
    """Return what `runs`, of which there must be one at least, come to."""
    exposures = [run.exposure for run in runs]
    steps = [run.step for run in runs if run.step is not None]
    return Summary(
        case=case,
        runs=len(runs),
        found=len(steps),
        steps=tuple(f"{steps.count(step)} at {step}" for step in dict.fromkeys(steps)),
        seconds=Spread.of([each.seconds for each in exposures]),
        bad=Spread.of([each.bad for each in exposures]),
        share=Spread.of([each.share for each in exposures]),
        off_seconds=Spread.of([each.off_seconds for each in exposures]),
        lost=sum(each.lost for each in exposures),
        total=sum(each.total for each in exposures),
    )
