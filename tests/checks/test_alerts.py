"""A firing alert fails a release only where it is certainly about it; any other holds promotion up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from checks.alerts import AlertWatch
from checks.prometheus import Prometheus
from checks.verdict import Kind, Verdict
from tests.checks.fake_prometheus import alert, alerts, in_turn

OURS = {"namespace": "production", "severity": "critical"}
BAD = alert("HighErrorRate", track="canary", **OURS)
GENERAL = alert("HighErrorRate", **OURS)


def watching(prometheus: Prometheus, began: datetime | None = None) -> AlertWatch:
    return AlertWatch(
        prometheus,
        target={"namespace": "production"},
        release={"track": "canary", "version": "prod-new"},
        severities=("critical", "warning"),
        began=began,
    )


def looks(*answers: list[dict[str, Any]]) -> list[Verdict]:
    watch = watching(in_turn([alerts(*found) for found in answers]))
    return [watch.look() for _ in answers]


def test_quiet_passes() -> None:
    (verdict,) = looks([])
    assert (verdict.kind, verdict.reason) == (Kind.PASS, "no alert fires")
    assert verdict.query == 'firing alerts with {namespace="production"} of severity critical, warning or none'


@pytest.mark.parametrize("labels", [{"track": "canary"}, {"version": "prod-new"}])
def test_an_alert_that_names_the_release_and_fires_anew_fails_it(labels: dict[str, str]) -> None:
    verdict = looks([], [alert("HighErrorRate", **labels, **OURS)])[1]
    assert verdict.kind is Kind.FAIL
    assert verdict.reason == ("alert HighErrorRate names this release and has come with it: HighErrorRate is")
    assert verdict.details[0].startswith("HighErrorRate since 2024-05-14T09:29:00Z: namespace=production, severity=")


LEFT_OVER = alert("HighErrorRate", track="canary", version="prod-tried-before", **OURS)


def test_an_alert_about_the_canary_of_an_attempt_before_counts_for_nothing() -> None:
    assert [verdict.kind for verdict in looks([LEFT_OVER], [LEFT_OVER])] == [Kind.PASS, Kind.PASS]
    assert [verdict.kind for verdict in looks([], [LEFT_OVER])] == [Kind.PASS, Kind.PASS]


def test_an_alert_about_the_version_that_serves_holds_promotion_up() -> None:
    serving = alert("HighErrorRate", track="stable", version="prod-old", **OURS)
    assert [verdict.kind for verdict in looks([], [serving])] == [Kind.PASS, Kind.TOO_FEW]


def test_an_alert_about_the_release_on_stable_fails_it_at_the_last_step() -> None:
    ours = alert("HighErrorRate", track="stable", version="prod-new", **OURS)
    assert looks([], [ours])[1].kind is Kind.FAIL


def test_an_alert_that_goes_on_firing_goes_on_failing() -> None:
    assert [verdict.kind for verdict in looks([], [BAD], [BAD])] == [Kind.PASS, Kind.FAIL, Kind.FAIL]


@pytest.mark.parametrize("found", [BAD, GENERAL, alert("Slow", track="stable", **OURS)])
def test_an_alert_that_fired_before_neither_fails_nor_promotes_until_it_ends(found: dict[str, Any]) -> None:
    verdicts = looks([found], [found], [])
    assert [verdict.kind for verdict in verdicts] == [Kind.TOO_FEW, Kind.TOO_FEW, Kind.PASS]
    assert "fires, and nothing is promoted until it ends" in verdicts[0].reason
    assert found["labels"]["alertname"] in verdicts[0].reason


def test_an_alert_about_something_else_of_the_target_holds_promotion_up() -> None:
    assert [verdict.kind for verdict in looks([], [GENERAL])] == [Kind.PASS, Kind.TOO_FEW]


@pytest.mark.parametrize("again", ["2024-05-14T09:40:00Z", "2024-05-14T09:29:00Z"])
def test_an_alert_that_ended_and_fires_again_has_begun_anew(again: str) -> None:
    later = {**BAD, "activeAt": again}
    assert [verdict.kind for verdict in looks([BAD], [], [later])] == [Kind.TOO_FEW, Kind.PASS, Kind.FAIL]
    assert looks([BAD], [{**BAD, "activeAt": "2024-05-14T09:40:00Z"}])[1].kind is Kind.FAIL


@pytest.mark.parametrize(
    "other",
    [
        alert("Pending", state="pending", track="canary", **OURS),
        alert("Elsewhere", namespace="staging", severity="critical", track="canary"),
        alert("Nowhere", severity="critical", track="canary"),
        alert("Note", namespace="production", severity="info", track="canary"),
    ],
)
def test_what_does_not_fire_here_or_does_not_matter_is_left_out(other: dict[str, Any]) -> None:
    assert [verdict.kind for verdict in looks([], [other])] == [Kind.PASS, Kind.PASS]


def test_an_alert_without_a_severity_counts() -> None:
    assert looks([], [alert("Plain", namespace="production", track="canary")])[1].kind is Kind.FAIL


def test_the_alert_that_fails_the_release_is_named_before_all_others() -> None:
    verdict = looks([GENERAL], [GENERAL, BAD, alert("Second", version="prod-new", **OURS)])[1]
    assert verdict.kind is Kind.FAIL
    assert verdict.reason.startswith("alert HighErrorRate names this release and has come with it (and 1 more)")
    assert verdict.numbers == {"firing": 2}


def test_a_prometheus_that_is_away_is_unreachable_and_does_not_count_as_the_first_look() -> None:
    watch = watching(in_turn([httpx.ConnectError("refused"), alerts(BAD), alerts(BAD)]))
    assert [watch.look().kind for _ in range(3)] == [Kind.UNREACHABLE, Kind.TOO_FEW, Kind.TOO_FEW]


BEGAN = datetime(2024, 5, 14, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "kind"),
    [
        ("2024-05-14T09:29:59.999999999Z", Kind.TOO_FEW),
        ("2024-05-14T09:30:00Z", Kind.FAIL),
        ("2024-05-14T11:29:59+02:00", Kind.TOO_FEW),
        ("2024-05-14T11:31:00.123456789+02:00", Kind.FAIL),
    ],
)
def test_an_alert_fails_a_release_only_if_its_condition_began_after_the_release_did(since: str, kind: Kind) -> None:
    found = alert("HighErrorRate", since=since, version="prod-new", **OURS)
    fires_anew = watching(in_turn([alerts(), alerts(found)]), BEGAN)
    assert [fires_anew.look().kind for _ in range(2)] == [Kind.PASS, kind]
    # As when the pod of the watch was lost, and the alert began to fire before there was another.
    assert watching(in_turn([alerts(found)]), BEGAN).look().kind is kind


@pytest.mark.parametrize("since", ["", "a while ago", "2024-05-14T09:40:00"])
def test_where_an_alert_does_not_say_since_when_the_first_look_tells_what_fired_before(since: str) -> None:
    found = alert("HighErrorRate", since=since, version="prod-new", **OURS)
    assert watching(in_turn([alerts(found)]), BEGAN).look().kind is Kind.TOO_FEW
    fires_anew = watching(in_turn([alerts(), alerts(found)]), BEGAN)
    assert [fires_anew.look().kind for _ in range(2)] == [Kind.PASS, Kind.FAIL]
