"""The routes as an AlertmanagerConfig of the Prometheus Operator; secrets are keys of a Secret, never values."""

from __future__ import annotations

from collections.abc import Sequence

from concerns.monitoring import ReceiverSettings, WebhookReceiver
from monitoring.routes import (
    GROUPED_BY,
    HEARTBEAT,
    INCIDENT,
    INHIBITIONS,
    PAGE,
    SLACK,
    Match,
    Route,
    page_details,
    routes,
    slack_text,
)
from monitoring.rule import Document, duration
from monitoring.subject import Watched

API_VERSION, KIND = "monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"
TITLE = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} in {{ .CommonLabels.namespace }}"
PAGE_SUMMARY = (
    "{{ .CommonLabels.alertname }} in {{ .CommonLabels.namespace }}: {{ (index .Alerts 0).Annotations.summary }}"
)
COLOR = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}'


def alertmanager_config(watched: Watched, receivers: ReceiverSettings) -> Document:
    """Return the `spec` of the AlertmanagerConfig. The operator adds that only alerts of its namespace come here."""
    found = routes(watched, receivers)
    return {
        "route": {
            "receiver": SLACK,
            "groupBy": list(GROUPED_BY),
            "routes": [_route(each) for each in found],
            # Alerts that none of the routes takes: those of others in this namespace, without a severity.
            "groupWait": duration(found[-1].group_seconds),
            "groupInterval": duration(found[-1].group_seconds),
            "repeatInterval": duration(receivers.repeat_minutes * 60),
        },
        "inhibitRules": [
            {
                "sourceMatch": _matches(each.source),
                "targetMatch": _matches(each.target),
                "equal": list(each.equal),
            }
            for each in INHIBITIONS
        ],
        "receivers": _receivers(watched, receivers),
    }


def _route(route: Route) -> Document:
    return {
        "receiver": route.receiver,
        "matchers": _matches(route.matches),
        "groupBy": list(GROUPED_BY),
        "groupWait": duration(route.wait_seconds) if route.wait_seconds else "0s",
        "groupInterval": duration(route.group_seconds),
        "repeatInterval": duration(route.repeat_seconds),
        "continue": route.goes_on,
    }


def _matches(matches: Sequence[Match]) -> list[Document]:
    return [{"name": each.name, "value": each.value, "matchType": "=~" if each.regex else "="} for each in matches]


def _receivers(watched: Watched, wanted: ReceiverSettings) -> list[Document]:
    slack: Document = {
        "apiURL": _key(wanted, wanted.slack.url_key),
        "channel": wanted.slack.channel,
        "sendResolved": True,
        "color": COLOR,
        "title": TITLE,
        "text": slack_text(watched),
        **_bearer(wanted, wanted.slack.token_key),
    }
    found: list[Document] = [{"name": SLACK, "slackConfigs": [slack]}]
    if wanted.pagerduty is not None:
        page: Document = {
            "routingKey": _key(wanted, wanted.pagerduty.key),
            "url": str(wanted.pagerduty.url),
            "sendResolved": True,
            "severity": "{{ .CommonLabels.severity }}",
            "description": PAGE_SUMMARY,
            "details": [{"key": key, "value": value} for key, value in page_details(watched).items()],
        }
        found.append({"name": PAGE, "pagerdutyConfigs": [page]})
    if wanted.incident is not None:
        found.append({"name": INCIDENT, "webhookConfigs": [_webhook(wanted, wanted.incident, resolved=True)]})
    if wanted.heartbeat is not None:
        found.append({"name": HEARTBEAT, "webhookConfigs": [_webhook(wanted, wanted.heartbeat, resolved=False)]})
    return found


def _webhook(wanted: ReceiverSettings, webhook: WebhookReceiver, *, resolved: bool) -> Document:
    return {"url": str(webhook.url), "sendResolved": resolved, **_bearer(wanted, webhook.token_key)}


def _bearer(wanted: ReceiverSettings, key: str | None) -> Document:
    if key is None:
        return {}
    return {"httpConfig": {"authorization": {"type": "Bearer", "credentials": _key(wanted, key)}}}


def _key(wanted: ReceiverSettings, key: str) -> Document:
    return {"name": wanted.secret, "key": key}
