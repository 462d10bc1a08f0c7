"""Alerts climb as the guide says: Slack at once, a page after 15 minutes, an incident for what is critical."""

from __future__ import annotations

from typing import Any

import yaml

from monitoring.alertmanager_config import alertmanager_config
from monitoring.alertmanager_file import alertmanager_file
from monitoring.prometheus_rule import alerts
from monitoring.state_alerts import WATCHDOG
from tests.monitoring.watched import VALUES, monitoring_of, watched

SECRET = "release-manager-alerts"


def config(**changes: Any) -> dict[str, Any]:
    monitoring = monitoring_of(receivers={**VALUES["receivers"], **changes})
    assert monitoring.receivers is not None
    return alertmanager_config(watched(monitoring), monitoring.receivers)


def route(name: str, found: dict[str, Any] | None = None) -> dict[str, Any]:
    [only] = [each for each in (found or config())["route"]["routes"] if each["receiver"] == name]
    assert isinstance(only, dict)
    return only


def receiver(name: str, kind: str) -> dict[str, Any]:
    [only] = [each for each in config()["receivers"] if each["name"] == name]
    [settings] = only[kind]
    assert isinstance(settings, dict)
    return settings


SERIOUS = [{"name": "severity", "value": "critical|warning", "matchType": "=~"}]
CRITICAL = [{"name": "severity", "value": "critical", "matchType": "="}]


def test_slack_hears_of_everything_at_once() -> None:
    found = route("slack")
    assert (found["matchers"], found["groupWait"], found["continue"]) == (SERIOUS, "10s", True)


def test_what_has_not_ended_after_15_minutes_pages() -> None:
    assert (route("page")["matchers"], route("page")["groupWait"]) == (SERIOUS, "15m")


def test_the_time_to_acknowledge_is_that_of_the_escalation() -> None:
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    of = watched(monitoring, notify={"escalation": {"acknowledge_minutes": 20}})
    assert route("page", alertmanager_config(of, monitoring.receivers))["groupWait"] == "20m"


def test_what_is_critical_declares_an_incident_at_once() -> None:
    found = route("incident")
    assert (found["matchers"], found["groupWait"], found["continue"]) == (CRITICAL, "10s", True)


def test_the_dead_mans_switch_goes_to_its_receiver_alone_and_comes_again_and_again() -> None:
    first = config()["route"]["routes"][0]
    assert first["receiver"] == "heartbeat"
    assert first["matchers"] == [{"name": "alertname", "value": WATCHDOG, "matchType": "="}]
    assert (first["continue"], first["repeatInterval"], first["groupInterval"]) == (False, "1m", "30s")
    assert receiver("heartbeat", "webhookConfigs")["sendResolved"] is False


def test_every_receiver_that_a_route_names_is_there_and_none_is_idle() -> None:
    found = config()
    named = {each["receiver"] for each in found["route"]["routes"]} | {found["route"]["receiver"]}
    assert named == {each["name"] for each in found["receivers"]} == {"slack", "page", "incident", "heartbeat"}


def test_who_is_not_configured_is_not_told() -> None:
    found = config(pagerduty=None, incident=None, heartbeat=None)
    assert [each["name"] for each in found["receivers"]] == ["slack"]
    assert [each["receiver"] for each in found["route"]["routes"]] == ["slack"]


def test_secrets_are_keys_of_a_secret_never_values() -> None:
    assert receiver("slack", "slackConfigs")["apiURL"] == {"name": SECRET, "key": "slack-url"}
    assert receiver("page", "pagerdutyConfigs")["routingKey"] == {"name": SECRET, "key": "pagerduty-routing-key"}
    sent = receiver("incident", "webhookConfigs")["httpConfig"]["authorization"]
    assert sent == {"type": "Bearer", "credentials": {"name": SECRET, "key": "incident-token"}}


def test_slack_calls_the_first_contact_and_names_all_in_order() -> None:
    text = receiver("slack", "slackConfigs")["text"]
    assert text.startswith("<@U012AB3CD> ")
    assert text.index("release manager: Ada, +49 30 1234567") < text.index("on-call engineer (PagerDuty): Bob")


def test_the_page_has_runbook_owner_and_contacts() -> None:
    details = {each["key"]: each["value"] for each in receiver("page", "pagerdutyConfigs")["details"]}
    assert set(details) == {"runbook", "owner", "service", "stack", "contacts"}
    assert "Bob, +49 30 7654321" in details["contacts"]


def test_a_name_is_no_template_and_no_markup() -> None:
    contacts = [{"role": "release manager", "name": "{{ .Secret }} <b>", "phone": "+49 30 1234567", "slack": "@ada"}]
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    slack = alertmanager_config(watched(monitoring, contacts=contacts), monitoring.receivers)["receivers"][0]
    text = slack["slackConfigs"][0]["text"]
    assert "{{ .Secret" not in text
    assert "&lt;b&gt;" in text


def test_what_follows_from_something_worse_is_not_told() -> None:
    names = {each.name for each in alerts(watched())}
    for rule in config()["inhibitRules"]:
        assert "namespace" in rule["equal"]
        for match in [*rule["sourceMatch"], *rule["targetMatch"]]:
            if match["name"] == "alertname":
                assert set(match["value"].split("|")) <= names
    critical, pods, budget = config()["inhibitRules"]
    assert critical["equal"] == ["namespace", "about"]
    assert pods["sourceMatch"][0]["value"] == "ReleaseManagerPodsNotAnswering"
    assert budget["targetMatch"][0]["value"] == "ReleaseManagerErrors"


def test_without_the_operator_the_routes_are_the_same() -> None:
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    file = yaml.safe_load(alertmanager_file(watched(monitoring), monitoring.receivers))
    [ours] = file["route"]["routes"]
    assert ours["matchers"] == ['namespace="staging"']
    assert file["route"]["receiver"] == "nobody"
    waits = {each["receiver"]: (each["matchers"], each["group_wait"]) for each in ours["routes"]}
    assert waits == {
        "heartbeat": ([f'alertname="{WATCHDOG}"'], "0s"),
        "slack": (['severity=~"critical|warning"'], "10s"),
        "incident": (['severity="critical"'], "10s"),
        "page": (['severity=~"critical|warning"'], "15m"),
    }
    slack = file["receivers"][1]["slack_configs"][0]
    assert slack["api_url_file"] == f"/etc/alertmanager/secrets/{SECRET}/slack-url"
    assert len(file["inhibit_rules"]) == len(config()["inhibitRules"])
