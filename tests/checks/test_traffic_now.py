"""How many requests there are now is what Prometheus counts of the release's own pods."""

from __future__ import annotations

import httpx
import pytest

from checks.reader import Unreachable
from checks.traffic_now import requests_a_second
from tests.checks.fake_prometheus import asking, vector


def test_the_requests_of_the_release_are_asked_for() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content.decode() + str(request.url))
        return vector(({}, "42.5"))

    assert requests_a_second(asking(answer), "production", "release-manager-prod-.*") == 42.5
    assert "production" in asked[0]
    assert "release_manager_requests_total" in asked[0]


def test_what_nobody_counts_is_not_zero() -> None:
    assert requests_a_second(asking(lambda _request: vector()), "production", "x") is None


def test_a_silent_prometheus_is_told() -> None:
    with pytest.raises(Unreachable):
        requests_a_second(asking(lambda _request: httpx.Response(503)), "production", "x")
