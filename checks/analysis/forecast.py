"""How long a step of the canary takes with the requests that there are now."""

from __future__ import annotations

import re

_SECONDS = re.compile(r"; at [\d.,]+ requests a second now about ([\d.]+) s$")


def forecast(needed: int, share: float, rate: float, *, minimum_seconds: float, maximum_seconds: float) -> str:
    """Return in words how long the canary takes to see `needed` requests, of which it gets `share` of `rate` a second.

    A step measures for `minimum_seconds` at the least. Where `maximum_seconds` do not suffice, that is what it says.
    """
    seconds = needed / (rate * share) if rate > 0 else float("inf")
    now = f"; at {f'{rate:,.0f}' if rate >= 100 else f'{rate:.3g}'} requests a second now"
    if seconds > maximum_seconds:
        takes = f"it would take {seconds:.0f} s" if rate > 0 else "it would never end"
        return f"{now} {takes}, and {maximum_seconds:.0f} s are all it has: too few requests to go on"
    return f"{now} about {max(seconds, minimum_seconds):.0f} s"


def seconds_in(line: str) -> float | None:
    """Return the seconds that the forecast at the end of `line` names, or None where it names none."""
    found = _SECONDS.search(line)
    return None if found is None else float(found[1])
