"""A heat map of a histogram as SVG, in the frame and colours of the charts beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from reports.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

Points = Mapping[float, float]


def heat_map(title: str, buckets: Mapping[float, Points]) -> str:
    """Return the `<svg>`: for each moment how much lies in each bucket, the more the darker.

    `buckets` holds by its upper bound (seconds, or infinite) what each bucket counted up to there, by Unix seconds.
    """
    bounds = sorted(buckets)
    moments = sorted({moment for points in buckets.values() for moment in points})
    cells = [[_inside(buckets, bounds, row, moment) for moment in moments] for row in range(len(bounds))]
    most = max((value for row in cells for value in row), default=0.0) or 1.0
    width, height = (WIDTH - LEFT - RIGHT) / len(moments), (HEIGHT - TOP - BOTTOM) / len(bounds)
    parts = [
        f'<rect class="heat" x="{LEFT + column * width:.2f}" y="{HEIGHT - BOTTOM - (row + 1) * height:.2f}"'
        f' width="{width + 0.2:.2f}" height="{height:.2f}" opacity="{math.sqrt(value / most):.3f}"/>'
        for row, values in enumerate(cells)
        for column, value in enumerate(values)
        if value > 0
    ]
    parts += [*_bounds(bounds, height), *_times(moments)]
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _inside(buckets: Mapping[float, Points], bounds: Sequence[float], row: int, moment: float) -> float:
    below = buckets[bounds[row - 1]].get(moment, 0.0) if row else 0.0
    return max(0.0, buckets[bounds[row]].get(moment, 0.0) - below)


def _bounds(bounds: Sequence[float], height: float) -> list[str]:
    return [
        f'<text class="tick" x="{LEFT - 5}" y="{HEIGHT - BOTTOM - row * height - height / 2 + 4:.1f}"'
        f' text-anchor="end">{_bound(bound)}</text>'
        for row, bound in enumerate(bounds)
        # Every second one: two lines of text need more room than a bucket has.
        if row % 2 == len(bounds) % 2
    ]


def _bound(seconds: float) -> str:
    if math.isinf(seconds):
        return "more"
    return f"{seconds:g} s" if seconds >= 1 else f"{1000 * seconds:g} ms"


def _times(moments: Sequence[float]) -> list[str]:
    middle = moments[len(moments) // 2]
    places = (
        (LEFT, moments[0], "start"),
        ((LEFT + WIDTH - RIGHT) / 2, middle, "middle"),
        (WIDTH - RIGHT, moments[-1], "end"),
    )
    return [
        f'<text class="tick" x="{x:g}" y="{HEIGHT - 7}" text-anchor="{anchor}">'
        f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}</text>"
        for x, moment, anchor in places
    ]
