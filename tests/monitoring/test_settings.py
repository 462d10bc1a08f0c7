"""What may be configured of monitoring: nothing secret, nothing that contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from concerns.monitoring import MonitoringSettings, monitoring_contradictions
from tests.monitoring.watched import VALUES, monitoring_of
from tests.stack_values import CANARY, settings_of

WEBHOOK = "https://hooks.slack.com/services/T000/B000/hunter2-the-secret"


def receivers(**changes: Any) -> dict[str, Any]:
    return {"receivers": {**VALUES["receivers"], **changes}}


def test_without_a_word_nothing_watches() -> None:
    assert MonitoringSettings().format == "off"


@pytest.mark.parametrize(
    "changes",
    [
        receivers(slack={"channel": "#releases", "url_key": WEBHOOK}),
        receivers(secret=WEBHOOK),
        receivers(incident={"url": "https://ada:hunter2@incidents.internal/"}),
        receivers(incident={"url": "https://incidents.internal/?token=hunter2"}),
        receivers(incident={"url": "http://incidents.internal/"}),
        {"runbooks": "http://runbooks.internal"},
        {"format": "both"},
        {"cache_hit_percent": 100},
        {"scrape_seconds": 120},
    ],
)
def test_what_is_not_allowed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        monitoring_of(**changes)


def test_a_receiver_inside_the_cluster_may_be_without_tls() -> None:
    monitoring_of(**receivers(incident={"url": "http://receiver.monitoring.svc:8080/incident"}))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"availability_percent": 99}, "monitoring.availability_percent"),
    ],
)
def test_a_contradiction_is_told(changes: dict[str, Any], key: str) -> None:
    analysis = settings_of(**CANARY).analysis
    assert [each.key for each in monitoring_contradictions(monitoring_of(**changes), analysis)] == [key]


def test_what_makes_sense_is_no_contradiction() -> None:
    assert list(monitoring_contradictions(monitoring_of(), None)) == []
