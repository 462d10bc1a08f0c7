"""The report is one page that loads nothing, where no value becomes markup, and whose charts stay in their frame."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from reports.page import page
from reports.record import ChartRecord, LineRecord, PhaseRecord
from reports.svg import HEIGHT, WIDTH, chart
from tests.reports.sample import NOW, RELEASE, record, step

EVIL = """<script>alert("1")</script><img src=x onerror='alert(2)'>&amp;"""


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


def evil_chart() -> ChartRecord:
    line = LineRecord(name=EVIL, points=((NOW.timestamp(), 1.0), (NOW.timestamp() + 1, 2.0)))
    return ChartRecord(title=EVIL, unit=EVIL, lines=(line,))


@pytest.mark.parametrize(
    "fields",
    [
        {"text": f"{EVIL}\n{EVIL}"},
        {"stack": EVIL},
        {"namespace": EVIL},
        {"deployment": EVIL},
        *({"release": RELEASE.model_copy(update={name: EVIL})} for name in type(RELEASE).model_fields),
        *({"steps": (step("pods", "FAIL", **{name: EVIL}),)} for name in ("reason", "query")),
        *({"steps": (step("pods", "FAIL", **{name: (EVIL,)}),)} for name in ("details", "output")),
        {"steps": (step(EVIL, "FAIL"),)},
        {"steps": (step("pods", "FAIL", numbers={EVIL: EVIL}),)},
        {"phases": (PhaseRecord(name=EVIL, began=NOW, ended=NOW),)},
        {"charts": (evil_chart(),)},
        {"charts": (ChartRecord(title="x", unit="y", problem=EVIL),)},
    ],
    ids=str,
)
def test_no_value_becomes_markup(fields: dict[str, Any]) -> None:
    tags = parsed(page(record(**fields)))
    assert not [tag for tag, _ in tags.found if tag in {"script", "img"}]
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")]
    shown = "".join(tags.text) + "".join(str(attributes) for _, attributes in tags.found)
    assert "alert(" in shown, "and yet it is shown"


def test_the_page_asks_for_nothing_else() -> None:
    text = page(record())
    tags = parsed(text)
    assert not [name for _, attributes in tags.found for name in attributes if name in {"src", "href", "srcset"}]
    assert not re.search(r"@import|url\(", text)
    policy = next(found["content"] for tag, found in tags.found if tag == "meta" and "http-equiv" in found)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_it_is_made_for_a_phone_and_for_the_night() -> None:
    text = page(record())
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "prefers-color-scheme: dark" in text


def test_a_failed_step_is_open_and_those_behind_it_say_that_they_were_not_taken() -> None:
    text = page(record())
    assert re.search(r'<details class="card" open><summary><b>smoke tests</b>.*FAIL', text)
    assert re.search(r'<details class="card"><summary><b>key metrics</b>.*not taken', text)
    assert "FAIL /metrics" in text


def test_a_chart_without_data_says_why_and_a_stack_without_metrics_says_so() -> None:
    away = ChartRecord(title="errors", unit="%", problem="Prometheus at x gives no answer")
    assert "Prometheus at x gives no answer" in page(record(charts=(away,)))
    assert "No metrics: this stack names no Prometheus" in page(record(charts=()))


def places(svg: str) -> list[tuple[float, float]]:
    paths = re.findall(r'points="([^"]+)"', svg)
    return [(float(x), float(y)) for path in paths for x, y in (place.split(",") for place in path.split())]


def test_every_point_and_the_limit_stand_inside_the_picture() -> None:
    points = tuple((float(second), float(second % 97) * 12.5) for second in range(200))
    svg = chart(
        ChartRecord(title="p99", unit="ms", limit=5000, clock="gate", lines=(LineRecord(name="a", points=points),)), ()
    )
    assert len(places(svg)) == len(points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places(svg))
    [limit] = re.findall(r'class="limit"[^>]*y1="([^"]+)"', svg)
    assert 0 <= float(limit) < min(y for _, y in places(svg)), "the limit is above every value"


def test_a_gap_in_the_data_is_a_gap_in_the_line() -> None:
    points = tuple((float(second), 1.0) for second in (0, 1, 2, 3, 60, 61, 62))
    svg = chart(ChartRecord(title="x", unit="y", clock="gate", lines=(LineRecord(name="a", points=points),)), ())
    assert svg.count("<polyline") == 2


@pytest.mark.parametrize("points", [((5.0, 0.0),), ((5.0, 3.0), (5.0, 3.0))])
def test_a_single_moment_can_be_drawn(points: tuple[tuple[float, float], ...]) -> None:
    svg = chart(ChartRecord(title="x", unit="y", clock="gate", lines=(LineRecord(name="a", points=points),)), ())
    assert "<circle" in svg or "<polyline" in svg


def test_the_steps_of_the_canary_are_shaded_where_the_time_is_the_same() -> None:
    phases = [PhaseRecord(name="10 %", began=NOW, ended=NOW + timedelta(seconds=10))]
    line = LineRecord(name="stable", points=((NOW.timestamp() - 30, 1.0), (NOW.timestamp() + 30, 1.0)))
    over_time = ChartRecord(title="x", unit="y", lines=(line,))
    svg = chart(over_time, phases)
    assert ">1</text>" in svg
    assert "<dt>1. 10 %</dt>" in page(record())
    [x, width] = [
        float(each) for each in re.findall(r'<rect class="band band1" x="([^"]+)" y="\d+" width="([^"]+)"', svg)[0]
    ]
    (left, _), (right, _) = places(svg)
    assert x == pytest.approx((left + right) / 2, abs=0.2)
    assert width == pytest.approx((right - left) / 6, abs=0.2)
    assert "<rect" not in chart(over_time.model_copy(update={"clock": "gate"}), phases)
