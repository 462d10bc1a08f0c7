"""A small chart as SVG that stands in an HTML page and takes its colours from there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from statistics import median

from reports.record import ChartRecord, LineRecord, PhaseRecord

WIDTH, HEIGHT = 340, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 18, 24
# Where a line has no point for so many of its usual distances, it is broken.
GAP = 3.0
LETTER_WIDTH = 6.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class _Scale:
    """From values to places in the picture."""

    x_from: float
    x_to: float
    y_to: float

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x_from) / ((self.x_to - self.x_from) or 1.0)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.y_to


def chart(record: ChartRecord, phases: Sequence[PhaseRecord]) -> str:
    """Return the chart as an `<svg>` element; `phases` are shaded where its moments are Unix seconds."""
    shown = phases if record.clock == "unix" else ()
    points = [point for line in record.lines for point in line.points]
    moments = [at for at, _ in points] + [each.ended.timestamp() for each in shown]
    top = _nice(max([value for _, value in points] + [record.limit or 0.0]))
    scale = _Scale(min(moments), max(moments), top)
    parts = [
        *_bands(shown, scale),
        *_axes(record, scale),
        *_limit(record, scale),
        *(part for line in record.lines for part in _line(line, scale)),
    ]
    label = escape(f"{record.title}, {record.unit}", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _nice(value: float) -> float:
    """Return a round number at or above `value`."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _STEPS if step * power >= value), 10 * power)


def _bands(phases: Sequence[PhaseRecord], scale: _Scale) -> Iterator[str]:
    free_from = 0.0
    for number, phase in enumerate(phases, start=1):
        left = max(LEFT, scale.x(phase.began.timestamp()))
        right = max(left + 1, scale.x(phase.ended.timestamp()))
        name = escape(phase.name)
        yield (
            f'<rect class="band band{number % 2}" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}"'
            f' height="{HEIGHT - TOP - BOTTOM}"><title>{name}</title></rect>'
        )
        # Its number in the list of phases: a name has no room over a step of some seconds.
        middle = (left + right) / 2
        if middle >= free_from:
            yield f'<text class="name" x="{middle:.1f}" y="{TOP - 5}" text-anchor="middle">{number}</text>'
            free_from = middle + 2 * LETTER_WIDTH


def _axes(record: ChartRecord, scale: _Scale) -> Iterator[str]:
    for value in (0.0, scale.y_to / 2, scale.y_to):
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    places = ((scale.x_from, "start"), ((scale.x_from + scale.x_to) / 2, "middle"), (scale.x_to, "end"))
    for moment, anchor in places:
        text = f"{moment:.0f} s"
        if record.clock == "unix":
            text = f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"
        yield f'<text class="tick" x="{scale.x(moment):.1f}" y="{HEIGHT - 7}" text-anchor="{anchor}">{text}</text>'


def _limit(record: ChartRecord, scale: _Scale) -> Iterator[str]:
    if record.limit is None:
        return
    y = scale.y(record.limit)
    yield f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"><title>limit</title></line>'


def _line(line: LineRecord, scale: _Scale) -> Iterator[str]:
    name = escape(line.name, quote=True)
    for part in _unbroken(line.points):
        if len(part) == 1:
            at, value = part[0]
            yield f'<circle class="line {name}" cx="{scale.x(at):.1f}" cy="{scale.y(value):.1f}" r="1.5"/>'
            continue
        path = " ".join(f"{scale.x(at):.1f},{scale.y(value):.1f}" for at, value in part)
        yield f'<polyline class="line {name}" points="{path}"><title>{name}</title></polyline>'


def _unbroken(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    distances = [later[0] - earlier[0] for earlier, later in pairwise(points)]
    usual = median(distances) if distances else 0.0
    parts: list[list[tuple[float, float]]] = []
    for point in points:
        if parts and point[0] - parts[-1][-1][0] <= GAP * usual:
            parts[-1].append(point)
        else:
            parts.append([point])
    return parts
