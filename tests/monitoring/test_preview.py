"""The preview draws every panel from what Prometheus answers, and says what it could not ask."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from checks.prometheus import Prometheus
from checks.reader import Unreachable
from commands.dashboard_preview import main
from monitoring.heat_map import heat_map
from monitoring.panels import rows
from monitoring.picture import legend, picture
from tests.monitoring.watched import watched

ROOT = Path(__file__).resolve().parents[2]
END = 1_700_000_000.0
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'prod-"><script>'
Answer = Callable[[str], list[dict[str, Any]]]


def series(**labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[END - 60 + 2 * number, str(number)] for number in range(30)]}


def two_tracks(query: str) -> list[dict[str, Any]]:
    if "by (le)" in query:
        return [series(le="0.5"), series(le="+Inf")]
    return [series(track="stable", version=HOSTILE, pod="a"), series(track="canary", version="b", pod="b")]


def client(answer: Answer, asked: list[str] | None = None) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        query = request.url.params["query"]
        if asked is not None:
            asked.append(query)
        data = {"resultType": "matrix", "result": answer(query)}
        return httpx.Response(200, json={"status": "success", "data": data})

    return httpx.Client(transport=httpx.MockTransport(handle))


def drawn(answer: Answer, asked: list[str] | None = None) -> str:
    with client(answer, asked) as http, Prometheus("http://prometheus", http, 5) as prometheus:
        return picture(prometheus, watched(), start=END - 3600, end=END)


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own picture


def test_every_panel_is_drawn_and_every_query_asked() -> None:
    asked: list[str] = []
    found = texts(drawn(two_tracks, asked))
    titles = [title for row in rows(watched()) for title in (row.title, *(panel.title for panel in row.panels))]
    assert [title for title in titles if title not in found] == []
    assert asked == [
        query.expr for row in rows(watched()) for panel in row.panels for query in getattr(panel, "queries", ())
    ]


def test_limits_are_drawn_in_the_units_that_are_shown() -> None:
    found = texts(drawn(two_tracks))
    assert "%, limit: below 0.1 %" in found
    assert "ms, limit: below 500 ms" in found
    assert "%, limit: at least 85 %" in found


def test_a_panel_without_data_says_so() -> None:
    found = texts(drawn(lambda _query: []))
    assert found.count("Prometheus has no such series of this time") == 18


def test_many_pods_are_drawn_and_not_all_named() -> None:
    def many(query: str) -> list[dict[str, Any]]:
        if "by (namespace, track, version, pod)" not in query:
            return two_tracks(query)
        return [series(pod=f"pod-{number:02}") for number in range(20)]

    found = texts(drawn(many))
    assert "pod-05" in found
    assert "pod-06" not in found
    assert found.count("and 14 more") == 4


def test_versions_of_one_track_are_told_apart_and_tracks_keep_their_colours() -> None:
    def versions(query: str) -> list[dict[str, Any]]:
        if "by (le)" in query:
            return two_tracks(query)
        both = [series(track=track, version=version) for track in ("canary", "stable") for version in ("v1", "v2")]
        # Not every panel has all of them.
        return both[1:] if "query_duration" in query else both

    found = re.findall(r'class="line (stable v\d|canary v\d)"\] { stroke: (#\w+) }', drawn(versions))
    colours = dict(found)
    assert len(set(colours.values())) == 4
    assert len(set(found)) == 4, "a version has one colour in all panels"
    alone = dict(re.findall(r'class="line (stable|canary) [^{]*{ stroke: (#\w+) }', drawn(two_tracks)))
    assert alone == {"stable": colours["stable v1"], "canary": colours["canary v1"]}


def test_what_series_are_called_cannot_break_the_picture() -> None:
    svg = drawn(two_tracks)
    assert f"stable {HOSTILE}" in texts(svg)
    assert "<script" not in svg


def test_a_silent_prometheus_is_told() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with (
        httpx.Client(transport=httpx.MockTransport(refuse)) as http,
        Prometheus("http://prometheus", http, 5) as prometheus,
        pytest.raises(Unreachable, match="gives no answer"),
    ):
        picture(prometheus, watched(), start=0, end=60)


def test_a_series_is_called_as_grafana_calls_it() -> None:
    assert legend("{{track}} {{version}}", {"track": "stable", "version": "v1"}) == "stable v1"
    assert legend("{{track}} {{version}}", {"track": "stable"}) == "stable"


def test_a_heat_map_shows_what_lies_in_each_bucket_alone() -> None:
    svg = heat_map("Durations", {0.1: {0.0: 4.0}, 0.5: {0.0: 4.0}, math.inf: {0.0: 5.0}})
    opacities = [each.get("opacity") for each in ET.fromstring(svg).iter("rect")]  # noqa: S314 - our own picture
    assert opacities == ["1.000", "0.500"]


@pytest.fixture
def _project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("_project")
def test_the_command_writes_the_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "d.svg"
    arguments = ["--stack", "prod", "--prometheus", "http://prometheus", "--output", str(file), "--minutes", "5"]
    assert main(arguments, client=lambda: client(two_tracks), now=lambda: END) == 0
    assert "Release Manager: production (stack prod)" in texts(file.read_text(encoding="utf-8"))
    assert "the last 5 min" in capsys.readouterr().out


@pytest.mark.usefixtures("_project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stack", "nowhere"], "there is no stack 'nowhere'"),
        (["--stack", "dev"], "set prometheus.url, or pass --prometheus=<address>"),
        (["--stack", "prod", "--output", "/nowhere/d.svg"], "/nowhere/d.svg"),
    ],
)
def test_a_persons_mistake_is_told_without_a_traceback(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, client=lambda: client(two_tracks), now=lambda: END) == 1
    assert said in capsys.readouterr().err
