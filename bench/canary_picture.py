"""How a step decides, as a picture: `python -m bench.canary_picture` writes docs/canary.svg.

The lines are asked of the tests that the gate uses, and the canaries are simulated: 20 requests a second, a look each
second, for as long as a step of production may take.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.canary_simulation import CANARY_A_LOOK, Integers, boundary
from checks.analysis.bounds import rules_out
from checks.analysis.limits import Limits

FILE = Path("docs/canary.svg")
RULE_OUT = 0.01
LOOKS = 150
RUNS = 4_000
SEED = 5
RATES = (0.0, 0.0005, 0.001, 0.005, 0.01, 0.05, 1.0)
DRAWN = (0.0005, 0.01, 0.05)

WIDTH, HEIGHT = 860, 660
LEFT, RIGHT, TOP, BOTTOM = 60, 830, 70, 330
MOST_REQUESTS, MOST_BAD = 640, 9
BARS_TOP, BAR, BAR_LEFT, BAR_RIGHT = 446, 28, 110, 480
FAILED, PROMOTED, UNKNOWN = "#b3261e", "#17723b", "#8a8f99"
COLUMNS = (("taken back", FAILED, 500), ("promoted", PROMOTED, 680))
_STYLE = """text { font: 13px system-ui, sans-serif; fill: #3d4654; } .back { fill: #fff; } .grid { stroke: #d9dee6; }
.head { font-size: 16px; font-weight: 650; fill: #1b2330; } .fail { fill: #fbe4e2; } .pass { fill: #dff1e5; }
.zone { font-weight: 650; } .number { fill: #5b6675; font-size: 12px; } .path { fill: none; stroke: #1b2330; }"""


@dataclass(frozen=True)
class Ended:
    """What became of the simulated canaries of one true rate: at which look each ended (from 0), and how."""

    rate: float
    bad: Integers  # bad requests so far, by run and look
    look: Integers
    failed: NDArray[np.bool_]
    promoted: NDArray[np.bool_]

    def share(self, ended: NDArray[np.bool_]) -> float:
        """Return which share of the runs ended so."""
        return float(ended.mean())

    def requests(self, ended: NDArray[np.bool_]) -> int:
        """Return the median of the requests to the canary after which the runs that ended so did."""
        return int((np.median(self.look[ended]) + 1) * CANARY_A_LOOK)

    def in_the_middle(self) -> int:
        """Return the run of the more frequent end that took as long as half of those."""
        ended = self.failed if self.failed.sum() > self.promoted.sum() else self.promoted
        order = np.flatnonzero(ended)[np.argsort(self.look[ended], kind="stable")]
        return int(order[len(order) // 2])


def most_bad_to_promote(limits: Limits, rule_out: float = RULE_OUT, looks: int = LOOKS) -> Integers:
    """Return for each look with how many bad requests at most `rule_out` is ruled out; -1 where with none."""
    most, found = -1, []
    for look in range(1, looks + 1):
        while rules_out(look * CANARY_A_LOOK, most + 1, rule_out, limits.promote_level):
            most += 1
        found.append(most)
    return np.array(found, dtype=np.int32)


def simulate(limits: Limits, runs: int = RUNS, seed: int = SEED) -> list[Ended]:
    """Simulate `runs` steps of each true rate."""
    least, most = boundary(limits, LOOKS), most_bad_to_promote(limits)
    random = np.random.default_rng(seed)
    found = []
    for rate in RATES:
        bad = np.cumsum(random.binomial(CANARY_A_LOOK, rate, (runs, LOOKS)), axis=1).astype(np.int32)
        failed, promoted = bad >= least, bad <= most
        decided = failed | promoted
        look = np.where(decided.any(axis=1), decided.argmax(axis=1), LOOKS - 1).astype(np.int32)
        at = np.arange(runs), look
        found.append(Ended(rate, bad, look, failed[at], promoted[at] & ~failed[at]))
    return found


def picture(limits: Limits | None = None) -> str:
    """Return the picture as SVG."""
    limits = limits or Limits()
    ended = simulate(limits)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>How a step of a canary decides</title>",
        f'<style>{_STYLE}</style><rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        _text(
            20,
            28,
            f"The first step: limit {100 * limits.error_share:g} % errors, to rule out {100 * RULE_OUT:g} %",
            "head",
        ),
        _text(20, 50, "Each line is one simulated canary. It goes on until it reaches a colour."),
        *_zones(limits),
        *_axes(),
        *(part for each in ended if each.rate in DRAWN for part in _path(each)),
        _text(20, BARS_TOP - 36, f"What became of {RUNS:,} canaries of each true rate of errors", "head"),
        *_bars(ended),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _zones(limits: Limits) -> list[str]:
    looks = MOST_REQUESTS // CANARY_A_LOOK
    least, most = boundary(limits, looks), most_bad_to_promote(limits, looks=looks)
    above = " ".join(f"H{_x(look * CANARY_A_LOOK):.1f} V{_y(bad - 0.5):.1f}" for look, bad in enumerate(least, 1))
    below = " ".join(f"H{_x(look * CANARY_A_LOOK):.1f} V{_y(bad + 0.5):.1f}" for look, bad in enumerate(most, 1))
    return [
        f'<path class="fail" d="M{LEFT} {TOP} V{_y(least[0] - 0.5):.1f} {above} H{RIGHT} V{TOP} Z"/>',
        f'<path class="pass" d="M{LEFT} {_y(-0.5):.1f} {below} H{RIGHT} V{_y(-0.5):.1f} Z"/>',
        _text(LEFT + 12, TOP + 22, "taken back", "zone", color=FAILED),
        _text(RIGHT - 12, _y(0) + 5, "promoted", "zone", color=PROMOTED, anchor="end"),
        _text(RIGHT - 12, _y(2) + 5, "not known yet: goes on", "zone", color=UNKNOWN, anchor="end"),
    ]


def _axes() -> list[str]:
    parts = [f'<path class="grid" d="M{LEFT} {TOP} V{_y(-0.5):.1f} H{RIGHT}" fill="none"/>']
    parts += [
        _text(_x(requests), BOTTOM + 18, f"{requests}", "number", anchor="middle")
        for requests in range(0, MOST_REQUESTS + 1, 100)
    ]
    parts += [_text(LEFT - 8, _y(bad) + 4, f"{bad}", "number", anchor="end") for bad in range(MOST_BAD)]
    parts.append(
        _text((LEFT + RIGHT) / 2, BOTTOM + 36, "requests that the canary has answered", "number", anchor="middle")
    )
    middle = (TOP + BOTTOM) / 2
    turned = (
        f'<text class="number" text-anchor="middle" transform="translate(24 {middle}) rotate(-90)">of them bad</text>'
    )
    return [*parts, turned]


def _path(ended: Ended) -> list[str]:
    run = ended.in_the_middle()
    look, color = int(ended.look[run]), FAILED if ended.failed[run] else PROMOTED
    bad = ended.bad[run][: look + 1]
    steps = " ".join(f"H{_x(at * CANARY_A_LOOK):.1f} V{_y(count):.1f}" for at, count in enumerate(bad, 1))
    x, y = _x((look + 1) * CANARY_A_LOOK), _y(int(bad[-1]))
    return [
        f'<path class="path" d="M{LEFT} {_y(0):.1f} {steps}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>',
        _text(x + 10, y - 8, f"{100 * ended.rate:g} %", "zone"),
    ]


def _bars(found: list[Ended]) -> list[str]:
    parts = [_text(BAR_LEFT - 12, BARS_TOP - 12, "true rate", "number", anchor="end")]
    parts += [_text(x, BARS_TOP - 12, f"{name}, after", "number") for name, _, x in COLUMNS]
    for number, ended in enumerate(found):
        y = BARS_TOP + number * BAR
        parts.append(_text(BAR_LEFT - 12, y + 15, f"{100 * ended.rate:g} %", anchor="end"))
        x = float(BAR_LEFT)
        unknown = ~(ended.failed | ended.promoted)
        for which, color in ((ended.failed, FAILED), (unknown, UNKNOWN), (ended.promoted, PROMOTED)):
            width = ended.share(which) * (BAR_RIGHT - BAR_LEFT)
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR - 8}" fill="{color}"/>')
            x += width
        for (_, color, at), which in zip(COLUMNS, (ended.failed, ended.promoted), strict=True):
            if which.any():
                said = f"{100 * ended.share(which):.3g} %, {ended.requests(which):,} requests"
                parts.append(_text(at, y + 15, said, color=color))
    return parts


def _x(requests: float) -> float:
    return LEFT + requests / MOST_REQUESTS * (RIGHT - LEFT)


def _y(bad: float) -> float:
    return BOTTOM - (bad + 0.5) / MOST_BAD * (BOTTOM - TOP)


def _text(x: float, y: float, text: str, kind: str = "", *, color: str = "", anchor: str = "start") -> str:
    style = f' style="fill: {color}"' if color else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"{style}>{text}</text>'


def main() -> None:
    """Write the picture."""
    FILE.write_text(picture(), encoding="utf-8")
    print(f"{FILE} is as the tests of checks/analysis/ decide")


if __name__ == "__main__":
    main()
