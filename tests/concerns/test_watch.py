"""The limits of the hour are the guide's, and settings of the watch that make no sense are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import AnyHttpUrl, ValidationError

from concerns.analysis import PrometheusSettings
from concerns.limits import limits_of
from concerns.log_store import LogStoreSettings
from concerns.monitoring import MonitoringSettings
from concerns.watch import WatchJobSettings, WatchSettings, watch_contradictions

PROMETHEUS = PrometheusSettings(url=AnyHttpUrl("https://prometheus.internal"))
IMAGE = "registry.internal/release-manager-watch"


def settings(**values: Any) -> WatchSettings:
    return WatchSettings.model_validate_json(json.dumps(values))


def test_the_limits_are_those_of_the_guide() -> None:
    watch = WatchSettings()
    assert (watch.minutes, watch.mode) == (60, "off")
    limits = limits_of(None, MonitoringSettings())
    assert (limits.slow_seconds, limits.error_percent, limits.cache_hit_percent) == (0.5, 0.1, 85)
    assert (limits.query_seconds, limits.database_connections_percent, limits.memory_percent) == (0.1, 80, 70)
    assert (limits.slow_percent, limits.query_slow_percent) == (1, 1), "which makes them the p99"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"mode": "job"}, "watch.job"),
        ({"mode": "inline", "minutes": 5, "rate_minutes": 3}, "watch.minutes"),
        ({"mode": "inline", "sustained_seconds": 5, "look_seconds": 10}, "watch.sustained_seconds"),
    ],
)
def test_settings_that_make_no_sense_together_are_named(values: dict[str, Any], key: str) -> None:
    assert [wrong.key for wrong in watch_contradictions(settings(**values), PROMETHEUS)] == [key]


def test_a_watch_needs_a_prometheus_and_none_needs_nothing() -> None:
    assert [wrong.key for wrong in watch_contradictions(settings(mode="inline"), None)] == ["prometheus"]
    assert list(watch_contradictions(settings(), None)) == []


@pytest.mark.parametrize("image", [f"{IMAGE}:v1", f"{IMAGE}@sha256:{'4f' * 32}", "localhost:5000/watch:v1"])
def test_an_image_has_a_tag_or_a_digest(image: str) -> None:
    assert WatchJobSettings(image=image).image == image


@pytest.mark.parametrize("image", [IMAGE, f"{IMAGE}@sha256:4f", "https://registry.internal/x:v1"])
def test_an_image_without_either_is_refused(image: str) -> None:
    with pytest.raises(ValidationError):
        WatchJobSettings(image=image)


@pytest.mark.parametrize(
    "values",
    [
        {"username": "ana"},
        {"password": "hunter2"},
        {"username": "ana", "password": "hunter2", "api_key": "abc"},
        {"bearer_token": "hunter2", "api_key": "abc"},
    ],
)
def test_a_sign_in_is_whole_and_one(values: dict[str, Any]) -> None:
    text = json.dumps({"url": "https://logs.internal", **values})
    with pytest.raises(ValidationError) as caught:
        LogStoreSettings.model_validate_json(text)
    assert "hunter2" not in caught.value.errors(include_input=False)[0]["msg"]


@pytest.mark.parametrize("url", ["https://ana:hunter2@logs.internal", "https://logs.internal/?q=1"])
def test_a_login_does_not_go_into_the_address(url: str) -> None:
    with pytest.raises(ValidationError, match="a login goes into the secret beside it"):
        LogStoreSettings.model_validate_json(json.dumps({"url": url}))
