"""The dashboard as one SVG picture of live data, so that a reviewer sees it where there is no Grafana."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape

from checks.prometheus import Prometheus, SeriesOverTime
from monitoring.heat_map import heat_map
from monitoring.panels import LogPanel, Panel, Row, rows
from monitoring.subject import Watched
from reports.record import ChartRecord, LineRecord
from reports.svg import HEIGHT, WIDTH, chart

POINTS = 120
LEAST_STEP_SECONDS = 2.0
COLUMNS = 3
MARGIN, TITLE, LEGEND, HEAD, ROW_HEAD = 12, 34, 16, 56, 30
# A picture of many pods is read as a bundle of lines; who is who says the panel in Grafana.
MOST_KEYS = 6
# Two names stand beside each other in a legend where neither is longer.
SHORT_NAME = 24
# How a value of a unit is shown: by what it is multiplied, and the sign behind it.
_SHOWN = {"percentunit": (100.0, "%"), "s": (1000.0, "ms"), "reqps": (1.0, "a second"), "ops": (1.0, "a second")}
# By track, and in a track from version to version.
_TRACKS = {
    "stable": ("#2563a8", "#7fb0e0", "#123c6b", "#0f7c86", "#3f51b5"),
    "canary": ("#c2570c", "#f0a261", "#7a3304", "#b3261e", "#8a5a00"),
}
_COLORS = ("#2563a8", "#17723b", "#8a5a00", "#7b3fa0", "#0f7c86", "#b3261e", "#5b6675", "#c2570c", "#3f51b5", "#6d8a00")
_NOTHING = "Prometheus has no such series of this time"
_STYLE = """text { font: 11px system-ui, sans-serif; fill: #5b6675; } .back { fill: #f6f7f9; }
.card { fill: #fff; stroke: #d9dee6; } .grid { stroke: #d9dee6; } .line { fill: none; stroke-width: 1.8; }
.limit { stroke: #b3261e; stroke-dasharray: 5 4; } .heat { fill: #c2570c; } circle.line { stroke-width: 1.8; }
.head { font-size: 18px; font-weight: 650; fill: #1b2330; } .row { font-size: 14px; font-weight: 650; fill: #1b2330; }
.title { font-size: 12px; font-weight: 650; fill: #1b2330; } .key { font-size: 10px; }"""


@dataclass
class _Colours:
    """Gives each version of a track a shade of its own, the same in every panel of a picture."""

    given: dict[str, str] = field(default_factory=dict)

    def of(self, name: str, index: int) -> str:
        """Return the colour of a series, which is number `index` of its panel."""
        track = name.partition(" ")[0]
        shades = _TRACKS.get(track)
        if shades is None:
            return _COLORS[index % len(_COLORS)]
        if name == track:
            return shades[0]
        if name not in self.given:
            before = sum(each.partition(" ")[0] == track for each in self.given)
            self.given[name] = shades[before % len(shades)]
        return self.given[name]


@dataclass(frozen=True)
class _Drawn:
    """The part of a picture of one panel: its `<svg>`, its legend, its limit in words."""

    title: str
    body: str
    keys: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def columns(self) -> int:
        return 1 if any(len(name) > SHORT_NAME for name, _ in self.keys[:MOST_KEYS]) else 2

    @property
    def legend_lines(self) -> int:
        return math.ceil(len(self.keys[:MOST_KEYS]) / self.columns) + bool(self.more)

    @property
    def more(self) -> int:
        """How many series the legend has no room for."""
        return max(0, len(self.keys) - MOST_KEYS)


def picture(prometheus: Prometheus, watched: Watched, *, start: float, end: float) -> str:
    """Return the dashboard from `start` to `end` (Unix seconds) as SVG. Raises Unreachable."""
    step = max(LEAST_STEP_SECONDS, (end - start) / POINTS)
    body, colours = list[str](), _Colours()
    y = HEAD
    for row in rows(watched):
        drawn = [
            _metric_panel(
                panel,
                [prometheus.over_time(query.expr, start=start, end=end, step_seconds=step) for query in panel.queries],
                colours,
            )
            if isinstance(panel, Panel)
            else _log_panel(panel)
            for panel in row.panels
        ]
        height, part = _row(row, drawn, y)
        body.append(part)
        y += height
    width = COLUMNS * (WIDTH + 2 * MARGIN) + MARGIN
    title = f"{watched.settings.dashboard.title}: {watched.namespace} (stack {watched.stack})"
    times = f"{_time(start)} to {_time(end)} UTC; dashed: the limits of the guide"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + MARGIN}" width="{width}"'
        f' height="{y + MARGIN}" role="img" aria-label="{escape(title, quote=True)}">\n<style>{_STYLE}</style>\n'
        '<rect class="back" width="100%" height="100%"/>\n'
        f'<text class="head" x="{MARGIN}" y="26">{escape(title)}</text>\n'
        f'<text x="{MARGIN}" y="44">{escape(times)}</text>\n{"".join(body)}</svg>\n'
    )


def legend(template: str, labels: Mapping[str, str]) -> str:
    """Return what Grafana calls a series: the template with the labels in it."""
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found.group(1), ""), template).strip()


def _row(row: Row, drawn: Sequence[_Drawn], y: int) -> tuple[int, str]:
    lines = max((each.legend_lines for each in drawn), default=0)
    height = TITLE + HEIGHT + lines * LEGEND + MARGIN
    parts = [f'<text class="row" x="{MARGIN}" y="{y + 18}">{escape(row.title)}</text>\n']
    for column, each in enumerate(drawn):
        x = MARGIN + column * (WIDTH + 2 * MARGIN)
        parts.append(f'<g transform="translate({x} {y + ROW_HEAD})">{_card(each, height, f"card-{y}-{column}")}</g>\n')
    return ROW_HEAD + height + MARGIN, "".join(parts)


def _card(drawn: _Drawn, height: int, card: str) -> str:
    # The charts stand in pages and take their size from there; here it is given.
    body = drawn.body.replace("<svg ", f'<svg x="6" y="{TITLE}" width="{WIDTH}" height="{HEIGHT}" ', 1)
    keys = [
        f'<g transform="translate({x} {y})">'
        f'<rect width="12" height="3" y="-4" fill="{color}"/><text class="key" x="17">{escape(name)}</text></g>'
        for index, (name, color) in enumerate(drawn.keys[:MOST_KEYS])
        for x, y in [_key_place(index, drawn.columns)]
    ]
    if drawn.more:
        x, y = _key_place(drawn.columns * (drawn.legend_lines - 1), drawn.columns)
        keys.append(f'<text class="key" x="{x + 17}" y="{y}">and {drawn.more} more</text>')
    # By the whole of the class, in this card alone: names of pods and versions are no words of a style sheet.
    colors = "".join(f'.{card} [class="line {_quoted(name)}"] {{ stroke: {color} }}' for name, color in drawn.keys)
    return (
        f'<style>{colors}</style><rect class="card" width="{WIDTH + MARGIN}" height="{height}" rx="6"/>'
        f'<text class="title" x="10" y="18">{escape(drawn.title)}</text><text x="10" y="31">{escape(drawn.note)}</text>'
        f'<g class="{card}">{body}</g>{"".join(keys)}'
    )


def _key_place(index: int, columns: int) -> tuple[int, int]:
    line, column = divmod(index, columns)
    return 10 + column * WIDTH // 2, TITLE + HEIGHT + line * LEGEND + 8


def _metric_panel(panel: Panel, answers: Sequence[Sequence[SeriesOverTime]], colours: _Colours) -> _Drawn:
    if not any(series.points for answer in answers for series in answer):
        return _Drawn(panel.title, f'<text x="10" y="{HEIGHT // 2}">{_NOTHING}</text>')
    if panel.kind == "heatmap":
        return _heat(panel, answers)
    factor, sign = _SHOWN.get(panel.unit, (1.0, ""))
    lines = [
        LineRecord(
            name=legend(query.legend, series.labels), points=tuple((at, factor * value) for at, value in series.points)
        )
        for query, answer in zip(panel.queries, answers, strict=True)
        for series in answer
        if series.points
    ]
    # What lives comes first, as a legend has room for a few alone.
    lines.sort(key=lambda line: (-line.points[-1][0], line.name))
    limit = None if panel.limit is None else factor * panel.limit
    record = ChartRecord(title=panel.title, unit=sign, limit=limit, lines=tuple(lines))
    keys = tuple((line.name, colours.of(line.name, index)) for index, line in enumerate(lines))
    note = sign
    if limit is not None:
        note = f"{sign}, limit: {'at least' if panel.above else 'below'} {limit:g} {sign}".strip(", ")
    return _Drawn(panel.title, chart(record, ()), keys, note)


def _heat(panel: Panel, answers: Sequence[Sequence[SeriesOverTime]]) -> _Drawn:
    buckets = {float(series.labels["le"]): dict(series.points) for series in answers[0] if "le" in series.labels}
    return _Drawn(panel.title, heat_map(panel.title, buckets), note="requests, the more the darker")


def _log_panel(panel: LogPanel) -> _Drawn:
    x, y = 10, HEIGHT // 2
    title = f'<text x="{x}" y="{y}">From the log store:</text>'
    text = f'{title}<text x="{x}" y="{y + LEGEND}">{escape(panel.query)}</text>'
    return _Drawn(panel.title, text)


def _quoted(text: str) -> str:
    return escape(text.replace("\\", "\\\\").replace('"', '\\"'), quote=False)


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
