"""The chance that a rule has stopped by each look, computed exactly: no simulation, no luck."""

from __future__ import annotations

import math
from collections.abc import Callable

_NEGLIGIBLE = 1e-15


def stopped_by_look(stops: Callable[[int, int], bool], *, rate: float, looks: int, each: int) -> list[float]:
    """Return for each look the chance of having stopped by then, where `each` requests come between looks."""
    steps = [math.comb(each, bad) * rate**bad * (1 - rate) ** (each - bad) for bad in range(each + 1)]
    running, stopped, found = {0: 1.0}, 0.0, []
    for look in range(1, looks + 1):
        after: dict[int, float] = {}
        for bad, chance in running.items():
            for more, step in enumerate(steps):
                if chance * step > _NEGLIGIBLE:
                    after[bad + more] = after.get(bad + more, 0.0) + chance * step
        running = {}
        for bad, chance in after.items():
            if stops(look * each, bad):
                stopped += chance
            else:
                running[bad] = chance
        found.append(stopped)
    return found


def median_look(stopped: list[float]) -> int:
    """Return the first look by which half of all runs have stopped."""
    return next(look for look, chance in enumerate(stopped, start=1) if chance >= 0.5)
