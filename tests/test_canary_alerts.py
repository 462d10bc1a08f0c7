"""A canary is failed by an alert that came with its release, never by one that an attempt before left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from canary import Canary
from checks.verdict import Kind
from checks.waiting import Clock
from tests.checks.fake_prometheus import alert, alerts, vector
from tests.cluster.two_tracks import TwoTracks
from tests.stack_values import CANARY, settings_of

BEGAN = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)
LOOKS, LOOK_SECONDS = 200, 0.02


@pytest.mark.parametrize(
    ("since", "kind"), [("2024-05-14T09:29:00Z", Kind.TOO_FEW), ("2024-05-14T09:31:00Z", Kind.FAIL)]
)
def test_a_version_that_is_tried_again_does_not_inherit_the_alerts_of_the_last_try(since: str, kind: Kind) -> None:
    cluster, settings = TwoTracks().cluster(), settings_of(**CANARY)
    found = alert(
        "HighErrorRate",
        since=since,
        namespace=cluster.namespace,
        severity="critical",
        track="canary",
        version="v2",
    )

    def answer(request: httpx.Request) -> httpx.Response:
        return alerts(found) if request.url.path.endswith("/alerts") else vector(({}, "1"))

    canary = replace(Canary.of(settings), client=lambda: httpx.Client(transport=httpx.MockTransport(answer)))
    with canary.instruments(cluster, 10, "v2", Clock(), BEGAN) as instruments:
        verdict, looks = instruments.watches["alerts"].latest(), LOOKS
        while verdict.kind is Kind.UNREACHABLE and looks:
            Clock().sleep(LOOK_SECONDS)
            verdict, looks = instruments.watches["alerts"].latest(), looks - 1
    assert verdict.kind is kind, verdict
