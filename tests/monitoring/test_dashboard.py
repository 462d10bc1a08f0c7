"""Grafana gets the panels that are defined, all of them, with the limits as lines."""

from __future__ import annotations

import json
from typing import Any

from monitoring.dashboard import LONGEST_UID, dashboard_document, dashboard_json, uid
from monitoring.panels import LogPanel, Panel, rows
from tests.monitoring.watched import watched

ASKED_FOR = {"Requests", "Errors", "Latency", "Durations", "Pods", "Memory", "Database connections", "Cache hits"}


def panels(kind: str | None = None) -> list[dict[str, Any]]:
    return [each for each in dashboard_document(watched())["panels"] if kind is None or each["type"] == kind]


def titled(title: str) -> dict[str, Any]:
    [only] = [each for each in panels() if each["title"] == title]
    return only


def test_it_is_called_as_the_guide_calls_it() -> None:
    document = dashboard_document(watched())
    assert (document["title"], document["uid"]) == ("Release Manager", "release-manager-staging")
    assert len(uid(watched(application__app="a" * 60))) == LONGEST_UID


def test_every_panel_of_the_definition_is_there_in_its_row() -> None:
    defined = [title for row in rows(watched()) for title in (row.title, *(panel.title for panel in row.panels))]
    assert [each["title"] for each in panels()] == defined
    assert set(defined) >= ASKED_FOR


def test_it_asks_exactly_what_is_defined() -> None:
    defined = [
        query.expr
        for row in rows(watched())
        for panel in row.panels
        if isinstance(panel, Panel)
        for query in panel.queries
    ]
    assert [target["expr"] for panel in panels() for target in panel.get("targets", []) if "expr" in target] == defined


def test_limits_are_dashed_lines_and_good_is_green() -> None:
    errors, hits = (titled(each)["fieldConfig"]["defaults"] for each in ("Errors", "Cache hits"))
    assert errors["custom"]["thresholdsStyle"] == {"mode": "dashed"}
    assert errors["thresholds"]["steps"] == [{"color": "green", "value": None}, {"color": "red", "value": 0.001}]
    assert hits["thresholds"]["steps"] == [{"color": "red", "value": None}, {"color": "green", "value": 0.85}]


def test_durations_are_a_heat_map() -> None:
    [heat] = panels("heatmap")
    assert heat["targets"][0]["format"] == "heatmap"
    assert "sum by (le)" in heat["targets"][0]["expr"]


def test_logs_are_asked_for_as_the_guide_asks() -> None:
    assert [each["targets"][0]["query"] for each in panels("logs")] == [
        "level:ERROR AND service:release-manager",
        "level:WARN AND service:release-manager",
    ]
    assert len([panel for row in rows(watched()) for panel in row.panels if isinstance(panel, LogPanel)]) == 2


def test_releases_are_shown_by_the_tags_that_they_are_annotated_with() -> None:
    [annotation] = dashboard_document(watched())["annotations"]["list"]
    assert annotation["target"]["tags"] == ["release-manager", "staging"]
    assert annotation["target"]["matchAny"] is False


def test_panels_and_queries_can_be_told_apart() -> None:
    numbers = [each["id"] for each in panels()]
    assert numbers == list(range(1, len(numbers) + 1))
    for panel in panels():
        letters = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(letters)) == len(letters)
        assert "" not in letters


def test_stable_and_canary_have_the_same_colours_everywhere() -> None:
    found = {json.dumps(each["fieldConfig"]["overrides"]) for each in panels("timeseries")}
    assert len(found) == 1
    assert "/^canary( |$)/" in found.pop()


def test_nothing_overlaps() -> None:
    places = [
        (each["gridPos"]["x"] + x, each["gridPos"]["y"] + y)
        for each in panels()
        for x in range(each["gridPos"]["w"])
        for y in range(each["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)


def test_the_same_settings_give_the_same_text() -> None:
    """A text that changes by itself would be a diff in every preview."""
    assert dashboard_json(watched()) == dashboard_json(watched())
