"""Who is told is optional; a token is a secret, goes only where nobody reads along, and is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from concerns.secrets import secret_paths
from settings import Settings, SettingsError
from tests.notify.stand_in import TOKENS, settings
from tests.stack_values import settings_of, stack_values

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://tell.internal"
CONTACTS = [
    {"role": "release manager", "name": "Ann", "phone": "+49 30 123456", "slack": "@U0ANN000"},
    {"role": "on-call engineer (PagerDuty)", "name": "Cleo", "phone": "+49 30 654321", "slack": "@cleo"},
]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def refused(**changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings_of(**changes)
    assert [token for token in (*TOKENS, "hunter2") if token in str(caught.value)] == []
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_everything_may_be_left_out() -> None:
    notify = settings_of().notify
    assert (notify.slack, notify.pagerduty, notify.incident, notify.grafana) == (None, None, None, None)
    assert notify.escalation.acknowledge_minutes == 15


def test_every_token_is_a_secret_that_nothing_shows() -> None:
    found = {".".join(path) for path in secret_paths(Settings) if path[0] == "notify"}
    assert found == {
        "notify.slack.token",
        "notify.pagerduty.routing_key",
        "notify.pagerduty.token",
        "notify.incident.token",
        "notify.grafana.token",
    }
    notify = settings_of(notify=settings(ADDRESS)).notify
    shown = repr(notify) + notify.model_dump_json() + json.dumps(notify.model_dump(mode="json"))
    assert [token for token in TOKENS if token in shown] == []


@pytest.mark.parametrize("value", [271828, ["hunter2"], "hunter2 two", "hunter2\n", "hunter2-ä", ""])
@pytest.mark.parametrize("key", ["slack.token", "pagerduty.routing_key", "pagerduty.token"])
def test_a_token_that_cannot_be_one_is_refused_and_not_shown(key: str, value: Any) -> None:
    concern, _, name = key.partition(".")
    notify = settings(ADDRESS)
    notify[concern] = {**notify[concern], name: value}
    [line] = refused(notify=notify)
    assert line.startswith(f"notify.{key}: got a value that is not shown; ")


def test_an_encrypted_token_need_not_be_known_to_read_a_stack() -> None:
    notify = settings(ADDRESS)
    notify["slack"]["token"] = "(a secret)"
    assert settings_of(notify=notify).notify.slack is not None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://grafana.internal", "must begin with https://"),
        ("https://ana:hunter2@grafana.internal", "must be an address alone"),
        ("https://grafana.internal/?key=hunter2", "must be an address alone"),
    ],
)
def test_a_token_goes_only_where_nobody_reads_along(url: str, says: str) -> None:
    notify = settings(ADDRESS)
    notify["grafana"]["url"] = url
    found = stack_values(notify=notify)
    with pytest.raises(SettingsError, match=says):
        settings_of(notify=found["notify"])


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:1"])
def test_on_this_machine_plain_http_will_do(url: str) -> None:
    notify = settings(ADDRESS)
    notify["grafana"]["url"] = url
    assert settings_of(notify=notify).notify.grafana is not None


def test_whom_the_escalation_names_must_be_among_the_contacts() -> None:
    notify = settings(ADDRESS)
    assert settings_of(notify=notify, contacts=CONTACTS).notify.slack is not None
    notify["escalation"]["on_call"] = "on-call engineer"
    known = "release manager, on-call engineer (PagerDuty)"
    assert refused(notify=notify, contacts=CONTACTS) == [
        f"notify.escalation.on_call: got 'on-call engineer'; no contact has this role; there are: {known}"
    ]
