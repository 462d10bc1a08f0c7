"""Who is told, by the settings of a stack."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

import httpx

from checks.waiting import Clock
from concerns.contacts import ContactSettings
from concerns.notify import NotifySettings
from notify import grafana, incident, pagerduty, slack
from notify.channel import Addressee, Channel
from notify.escalation import Action
from notify.grafana import Grafana
from notify.incident import IncidentWebhook
from notify.pagerduty import PagerDuty
from notify.sending import Sender, client
from notify.slack import Slack

Connect = Callable[[str], httpx.Client]

# Who carries an action out: the first of these that is configured.
_CARRIERS = {
    Action.TELL_FIRST: (Slack, PagerDuty, IncidentWebhook),
    Action.PAGE_ON_CALL: (PagerDuty, Slack, IncidentWebhook),
    Action.DECLARE_INCIDENT: (IncidentWebhook, PagerDuty, Slack),
    Action.CALL_RESPONSE_TEAM: (PagerDuty, Slack, IncidentWebhook),
}


def addressees(
    settings: NotifySettings,
    contacts: Sequence[ContactSettings],
    trust: Callable[[], ssl.SSLContext],
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
) -> tuple[Addressee, ...]:
    """Return those whom `settings` name, each with the actions that are its own. Opens no connection yet.

    `trust` is asked for each of them; what it raises is raised.
    """

    def connect(address: str) -> httpx.Client:
        return client(address, trust(), transport)

    found = _channels(settings, contacts, connect, clock)
    carried: dict[int, set[Action]] = {}
    for action, kinds in _CARRIERS.items():
        able = (each for kind in kinds for each in found if isinstance(each, kind) and _may(each, action))
        carrier = next(able, None)
        if carrier is not None:
            carried.setdefault(id(carrier), set()).add(action)
    return tuple(Addressee(each, frozenset(carried.get(id(each), ()))) for each in found)


def _channels(
    settings: NotifySettings, contacts: Sequence[ContactSettings], connect: Connect, clock: Clock
) -> list[Channel]:
    found: list[Channel] = []
    if settings.slack is not None:
        address = _bare(settings.slack.api)
        found.append(
            Slack(
                Sender("Slack", connect(address), clock, slack.MEND, temporary=slack.TEMPORARY),
                address,
                settings.slack.channel,
                settings.slack.token.get_secret_value(),
                _people(settings, contacts),
            )
        )
    if settings.pagerduty is not None:
        address, token = _bare(settings.pagerduty.api), settings.pagerduty.token
        found.append(
            PagerDuty(
                Sender("PagerDuty", connect(address), clock, pagerduty.MEND),
                address,
                settings.pagerduty.routing_key.get_secret_value(),
                settings.pagerduty.escalates,
                _bare(settings.pagerduty.rest_api),
                "" if token is None else token.get_secret_value(),
            )
        )
    if settings.incident is not None:
        url = str(settings.incident.url)
        sender = Sender("incident tracking", connect(url), clock, incident.MEND)
        found.append(IncidentWebhook(sender, url, settings.incident.token.get_secret_value()))
    if settings.grafana is not None:
        address = _bare(settings.grafana.url)
        sender = Sender("Grafana", connect(address), clock, grafana.MEND)
        token_text = settings.grafana.token.get_secret_value()
        found.append(Grafana(sender, address, token_text, settings.grafana.dashboard))
    return found


def _people(settings: NotifySettings, contacts: Sequence[ContactSettings]) -> dict[Action, tuple[str, ...]]:
    escalation = settings.escalation
    team = escalation.response_team
    return {
        Action.TELL_FIRST: tuple(each.slack for each in contacts if each.role == escalation.first),
        Action.PAGE_ON_CALL: tuple(each.slack for each in contacts if each.role == escalation.on_call),
        Action.CALL_RESPONSE_TEAM: () if team is None else (team,),
    }


def _may(channel: Channel, action: Action) -> bool:
    """Whether a channel does something about it: PagerDuty would page whoever is on call, whom it is not time for."""
    return action is not Action.TELL_FIRST or not isinstance(channel, PagerDuty) or channel.escalates


def _bare(address: object) -> str:
    return str(address).rstrip("/")
