"""How soon a bad canary is found and how often a good one is aborted: three rules on the same simulated requests.

`python -m bench.canary_simulation [RUNS]`. Every second 20 requests go to the canary and 180 to stable, and each rule
looks at them, for ten minutes. A good canary is one whose rate of errors is at most the limit, 0.1 %. Stable has the
canary's rate, but at most 0.05 %.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from checks.analysis.limit_test import is_above
from checks.analysis.limits import Limits

RATES = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 1.0)
STABLE_RATE_AT_MOST = 0.0005
LOOKS = 600
CANARY_A_LOOK = 20
STABLE_A_LOOK = 180
WINDOW_LOOKS = 5
MANN_WHITNEY_LEVEL_Z = 2.3263  # one-sided 1 %
BATCH = 2_500
SEED = 5

Integers = NDArray[np.int32]
Rule = Callable[[Integers, Integers], Integers]  # errors of (canary, stable) by (run, look) -> look of the abort, or -1


@dataclass(frozen=True)
class Row:
    """What one rule does at one true rate of the canary; the medians are of the runs that were aborted."""

    rule: str
    rate: float
    good: bool
    runs: int
    aborted: int
    median_requests: float | None
    median_seconds: float | None
    median_bad: float | None


def boundary(limits: Limits, looks: int = LOOKS, each: int = CANARY_A_LOOK) -> Integers:
    """Return for each look how many errors abort: asked of the test that the gate uses."""
    least, found = 1, []
    for look in range(1, looks + 1):
        requests = look * each
        while least <= requests and not is_above(requests, least, limits.error_share, limits.false_abort_for_errors):
            least += 1
        found.append(least)
    return np.array(found, dtype=np.int32)


def sequential(canary: Integers, _stable: Integers, *, bounds: Integers) -> Integers:
    """Abort as soon as the product's test knows that the rate is above the limit."""
    return _first(np.cumsum(canary, axis=1) >= bounds)


def fixed_window(canary: Integers, _stable: Integers, *, limit: float) -> Integers:
    """Abort where the rate over the last five seconds is above the limit, as common tools do at each look."""
    total = np.cumsum(canary, axis=1)
    last = total.copy()
    last[:, WINDOW_LOOKS:] -= total[:, :-WINDOW_LOOKS]
    requests = np.minimum(np.arange(1, canary.shape[1] + 1), WINDOW_LOOKS) * CANARY_A_LOOK
    return _first(last / requests > limit)


def mann_whitney(canary: Integers, stable: Integers) -> Integers:
    """Abort where the canary's rates of each second so far rank above stable's, one-sided at 1 %, at each look.

    With the normal approximation, corrected for ties and continuity. The pairs are counted as the samples come in.
    """
    runs, looks = canary.shape
    ratio = STABLE_A_LOOK // CANARY_A_LOOK
    values = STABLE_A_LOOK + 1
    row = np.arange(runs)
    stable_seen, canary_seen = np.zeros((runs, values), np.int32), np.zeros((runs, CANARY_A_LOOK + 1), np.int32)
    above = np.zeros(runs)
    ties = np.zeros(runs)
    found = np.full(runs, -1, dtype=np.int32)
    for look in range(looks):
        n = look + 1
        new_canary, new_stable = canary[:, look] * ratio, stable[:, look]
        stable_low = np.where(np.arange(values) < new_canary[:, None], stable_seen, 0).sum(axis=1)
        above += stable_low + stable_seen[row, new_canary] / 2
        ties += _more_ties(stable_seen, canary_seen, row, new_canary, ratio)
        canary_seen[row, canary[:, look]] += 1
        scaled = np.arange(CANARY_A_LOOK + 1) * ratio
        above += np.where(scaled > new_stable[:, None], canary_seen, 0).sum(axis=1)
        above += np.where(scaled == new_stable[:, None], canary_seen, 0).sum(axis=1) / 2
        ties += _more_ties(stable_seen, canary_seen, row, new_stable, ratio)
        stable_seen[row, new_stable] += 1
        variance = n * n / 12 * ((2 * n + 1) - ties / (2 * n * (2 * n - 1)))
        excess = above - n * n / 2 - 0.5
        hit = (excess > 0) & (excess >= MANN_WHITNEY_LEVEL_Z * np.sqrt(np.maximum(variance, 1e-12)))
        found[(found < 0) & hit] = look
    return found


def _more_ties(
    stable_seen: Integers, canary_seen: Integers, row: NDArray[np.intp], value: Integers, ratio: int
) -> NDArray[np.float64]:
    """Return by how much the sum of t^3 - t over groups of ties grows with one more sample of this value."""
    among_canary = np.where(value % ratio == 0, canary_seen[row, value // ratio], 0)
    size = (stable_seen[row, value] + among_canary).astype(np.float64)
    return 3.0 * size * (size + 1)


def _first(hits: NDArray[np.bool_]) -> Integers:
    return np.where(hits.any(axis=1), hits.argmax(axis=1), -1).astype(np.int32)


def rules(limits: Limits) -> dict[str, Rule]:
    """Return the rules that are compared, by name."""
    return {
        "this test": partial(sequential, bounds=boundary(limits)),
        f"threshold, last {WINDOW_LOOKS} s": partial(fixed_window, limit=limits.error_share),
        "Mann-Whitney": mann_whitney,
    }


def run(runs: int = 10_000, seed: int = SEED, limits: Limits | None = None) -> list[Row]:
    """Simulate `runs` gates for each true rate, and return what each rule did with the same requests."""
    limits = limits or Limits()
    compared = rules(limits)
    random = np.random.default_rng(seed)
    rows = []
    for rate in RATES:
        ended: dict[str, list[Integers]] = {name: [] for name in compared}
        bad: dict[str, list[Integers]] = {name: [] for name in compared}
        for start in range(0, runs, BATCH):
            shape = (min(BATCH, runs - start), LOOKS)
            canary = random.binomial(CANARY_A_LOOK, rate, shape).astype(np.int32)
            stable = random.binomial(STABLE_A_LOOK, min(rate, STABLE_RATE_AT_MOST), shape).astype(np.int32)
            total = np.cumsum(canary, axis=1, dtype=np.int32)
            for name, rule in compared.items():
                look = rule(canary, stable)
                ended[name].append(look)
                bad[name].append(np.take_along_axis(total, np.maximum(look, 0)[:, None], axis=1)[:, 0])
        rows += [
            _row(name, rate, limits.error_share, np.concatenate(ended[name]), np.concatenate(bad[name]))
            for name in compared
        ]
    return rows


def _row(rule: str, rate: float, limit: float, look: Integers, bad: Integers) -> Row:
    aborted = look >= 0
    count = int(aborted.sum())
    seconds = float(np.median(look[aborted] + 1)) if count else None
    return Row(
        rule=rule,
        rate=rate,
        good=rate <= limit,
        runs=len(look),
        aborted=count,
        median_requests=seconds * CANARY_A_LOOK if seconds is not None else None,
        median_seconds=seconds,
        median_bad=float(np.median(bad[aborted])) if count else None,
    )


def table(rows: list[Row]) -> Table:
    """Lay the rows out for reading."""
    out = Table(title=f"{rows[0].runs:,} gates of {LOOKS} s each, {CANARY_A_LOOK} canary requests/s, limit 0.1 %")
    out.add_column("true rate")
    out.add_column("rule")
    for title in ("aborted", "standard error", "median requests", "median s", "median bad answers"):
        out.add_column(title, justify="right")
    for row in rows:
        share = row.aborted / row.runs
        out.add_row(
            f"{100 * row.rate:g} % ({'good' if row.good else 'bad'})",
            row.rule,
            f"{100 * share:.2f} %",
            f"{100 * math.sqrt(share * (1 - share) / row.runs):.2f}",
            *("-" if value is None else f"{value:g}" for value in (row.median_requests, row.median_seconds)),
            "-" if row.median_bad is None else f"{row.median_bad:g}",
        )
    return out


def main() -> None:
    """Run the simulation and print the table, and how long it took."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    console = Console(width=120)
    started = time.monotonic()
    console.print(table(run(runs)))
    console.print(f"{time.monotonic() - started:.0f} s for {runs:,} gates at each of {len(RATES)} rates and 3 rules")


if __name__ == "__main__":
    main()
