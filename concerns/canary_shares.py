"""Which shares of the requests a number of pods can express."""

from __future__ import annotations


def pods_of_share(percent: int, replicas: int) -> tuple[int, float]:
    """Return how many canary pods beside `replicas` stable ones come nearest to `percent`, and their real share.

    `percent` is below 100, as the canary stands on top of a stable that stays whole; both shares are in percent.
    """
    pods = max(1, round(percent * replicas / (100 - percent)))
    return pods, 100 * pods / (replicas + pods)
