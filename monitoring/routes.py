"""To whom an alert goes, and when: the guide's escalation as the routes of Alertmanager, in no form of its own yet.

Slack hears of everything at once. What has not ended after the time to acknowledge pages the on-call engineer. What is
critical declares an incident at once. The dead man's switch goes to whoever rings when it stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from concerns.contacts import ContactSettings
from concerns.monitoring import ReceiverSettings
from monitoring.rule import Severity
from monitoring.state_alerts import WATCHDOG
from monitoring.subject import Watched
from notify.slack import mention

SLACK, PAGE, INCIDENT, HEARTBEAT = "slack", "page", "incident", "heartbeat"
# What is one problem of one version is one message.
GROUPED_BY = ("alertname", "track", "version", "severity")
# Long enough for alerts that begin together, short enough to be at once.
AT_ONCE_SECONDS = 10
GROUP_SECONDS = 60
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True)
class Match:
    """A label and what it has to be; `regex` takes `value` for a regular expression of the whole."""

    name: str
    value: str
    regex: bool = False


@dataclass(frozen=True)
class Route:
    """Alerts with these labels go to `receiver` after `wait_seconds`, unless they have ended by then."""

    receiver: str
    matches: tuple[Match, ...]
    wait_seconds: int
    repeat_seconds: int
    goes_on: bool
    group_seconds: int = GROUP_SECONDS


@dataclass(frozen=True)
class Inhibition:
    """While an alert with the labels `source` fires, those with `target` and the same `equal` are not told."""

    source: tuple[Match, ...]
    target: tuple[Match, ...]
    equal: tuple[str, ...]


# Whoever knows that nothing answers needs no further message on what that entails.
INHIBITIONS = (
    Inhibition((Match("severity", "critical"),), (Match("severity", "warning"),), ("namespace", "about")),
    Inhibition(
        (Match("alertname", "ReleaseManagerPodsNotAnswering"),),
        (Match("alertname", "ReleaseManagerNoData|ReleaseManagerPodsNotReady", regex=True),),
        ("namespace",),
    ),
    Inhibition(
        (Match("alertname", "ReleaseManagerErrorBudget"), Match("severity", "critical")),
        (Match("alertname", "ReleaseManagerErrors"),),
        ("namespace",),
    ),
)


def routes(watched: Watched, receivers: ReceiverSettings) -> tuple[Route, ...]:
    """Return the routes in their order; an alert goes on to the next one only where a route says so."""
    repeat = receivers.repeat_minutes * SECONDS_PER_MINUTE
    found: list[Route] = []
    if receivers.heartbeat is not None:
        seconds = receivers.heartbeat.seconds
        # Alertmanager repeats only at the end of a group's interval, so that is shorter than what it repeats by.
        found.append(
            Route(HEARTBEAT, (Match("alertname", WATCHDOG),), 0, seconds, goes_on=False, group_seconds=seconds // 2)
        )
    found.append(Route(SLACK, (_severity("critical", "warning"),), AT_ONCE_SECONDS, repeat, goes_on=True))
    if receivers.incident is not None:
        found.append(Route(INCIDENT, (_severity("critical"),), AT_ONCE_SECONDS, repeat, goes_on=True))
    if receivers.pagerduty is not None:
        minutes = watched.notify.escalation.acknowledge_minutes
        found.append(
            Route(PAGE, (_severity("critical", "warning"),), minutes * SECONDS_PER_MINUTE, repeat, goes_on=False)
        )
    return tuple(found)


def slack_text(watched: Watched) -> str:
    """Return the template of the message in Slack: what fires, what to do, and whom it is for."""
    escalation = watched.notify.escalation
    first = [each for each in watched.contacts if each.role == escalation.first]
    called = " ".join(_plain(mention(each.slack)) for each in first)
    each = "• {{ .Annotations.summary }} (owner: {{ .Labels.owner }}, <{{ .Annotations.runbook_url }}|runbook>)"
    people = f"\n{escape(_in_order(watched.contacts), quote=False)}" if watched.contacts else ""
    return f"{called}{' ' if called else ''}{{{{ range .Alerts }}}}{each}\n{{{{ end }}}}{people}".rstrip()


def page_details(watched: Watched) -> dict[str, str]:
    """Return what PagerDuty shows beside the summary."""
    contacts = {"contacts": _in_order(watched.contacts)} if watched.contacts else {}
    return {
        "runbook": "{{ .CommonAnnotations.runbook_url }}",
        "owner": "{{ .CommonLabels.owner }}",
        "service": "{{ .CommonLabels.service }}",
        "stack": watched.stack,
        **contacts,
    }


def _severity(*severities: Severity) -> Match:
    return Match("severity", "|".join(severities), regex=len(severities) > 1)


def _in_order(contacts: Sequence[ContactSettings]) -> str:
    people = [f"{one.role}: {one.name}, {one.phone}, {one.slack}" for one in contacts]
    return _plain("Contacts, in this order: " + "; ".join(people))


def _plain(text: str) -> str:
    """Return text in which no template begins, whatever a name holds."""
    return text.replace("{{", "{ {")
