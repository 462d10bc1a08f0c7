"""Which shares of the requests a number of pods can express."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Capacity = Literal["surge", "fixed"]
MOST_REPLICAS = 100


def pods_of_share(percent: int, replicas: int, capacity: Capacity = "surge") -> tuple[int, float]:
    """Return how many canary pods come nearest to `percent` of the pods, and their real share, both below 100 percent.

    With `surge` they stand beside `replicas` stable ones, with `fixed` they take the place of as many. There is always
    one at least.
    """
    if capacity == "fixed":
        pods = min(max(1, round(percent * replicas / 100)), max(1, replicas - 1))
        return pods, 100 * pods / replicas
    pods = max(1, round(percent * replicas / (100 - percent)))
    return pods, 100 * pods / (replicas + pods)


def smallest_replicas(steps: Sequence[int], tolerance_percent: float, capacity: Capacity) -> int | None:
    """Return the smallest number of replicas that expresses every one of `steps`; None where up to 100 none does."""
    return next(
        (count for count in range(1, MOST_REPLICAS + 1) if expresses(steps, count, tolerance_percent, capacity)), None
    )


def expresses(steps: Sequence[int], replicas: int, tolerance_percent: float, capacity: Capacity) -> bool:
    """Whether `replicas` pods can express each share of `steps` within the tolerance, in percentage points."""
    return all(abs(pods_of_share(step, replicas, capacity)[1] - step) <= tolerance_percent for step in steps)
