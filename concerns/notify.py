"""Who is told of a release while it goes on, and how its problems climb from one person to the next.

Everything is optional; what is left out is not told. Each token is a Pulumi secret, given as:
`pulumi config set --secret --path 'release-manager:notify.slack.token'`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr

from concerns.address import Address
from concerns.concern import Concern
from concerns.contacts import SLACK, ContactSettings
from concerns.secrets import ENCRYPTED_ELSEWHERE
from concerns.wrong import Wrong, contradiction

# A header or a body takes nothing else; what the shell left at the end of a pasted token must not be sent.
_TOKEN = re.compile(r"[\x21-\x7e]+")
_OPTIONAL = TypeVar("_OPTIONAL", SecretStr, SecretStr | None)


def _sent_as_it_is(value: _OPTIONAL) -> _OPTIONAL:
    text = ENCRYPTED_ELSEWHERE if value is None else value.get_secret_value()
    if text != ENCRYPTED_ELSEWHERE and not _TOKEN.fullmatch(text):
        message = "must be one word of printable ASCII characters, without a line break at its end"
        raise ValueError(message)
    return value


Token = Annotated[SecretStr, AfterValidator(_sent_as_it_is)]
OptionalToken = Annotated[SecretStr | None, AfterValidator(_sent_as_it_is)]


class SlackSettings(Concern):
    """A channel of Slack: one message for each release, kept up to date, with the details in its thread."""

    channel: str = Field(pattern=r"^([CGD][A-Z0-9]{5,}|#[^\s#]{1,80})$", description="ID of the channel, or #name.")
    token: Token = Field(
        description="Bot token, a Pulumi secret; scopes chat:write, and reactions:read to see who takes a problem on."
    )
    api: Address = Field(default=AnyHttpUrl("https://slack.com/api"), description="Where its Web API answers.")


class PagerDutySettings(Concern):
    """A service of PagerDuty that pages the on-call engineer."""

    routing_key: Token = Field(description="Integration key of Events API v2, a Pulumi secret.")
    api: Address = Field(default=AnyHttpUrl("https://events.pagerduty.com"), description="Where events are sent.")
    token: OptionalToken = Field(
        default=None, description="Read-only REST API key, a Pulumi secret: to see whether somebody has acknowledged."
    )
    rest_api: Address = Field(default=AnyHttpUrl("https://api.pagerduty.com"), description="Where `token` is used.")
    escalates: bool = Field(
        default=False,
        description="Its escalation policy asks the release manager first and the on-call engineer after"
        " escalation.acknowledge_minutes: then it is told of every problem at once, and does the waiting.",
    )


class IncidentSettings(Concern):
    """A webhook of the incident tracking. It gets JSON, with the token as a bearer token."""

    url: Address = Field(description="Gets a POST for each thing that happens.")
    token: Token = Field(description="A Pulumi secret.")


class GrafanaSettings(Concern):
    """A Grafana whose dashboard shows when a release began, was promoted and ended."""

    url: Address = Field(description="Root of Grafana, without /api.")
    token: Token = Field(description="Token of a service account that may write annotations, a Pulumi secret.")
    dashboard: str = Field(
        default="", pattern=r"^[A-Za-z0-9_-]{0,40}$", description="UID of the dashboard; without it all may show them."
    )


class EscalationSettings(Concern):
    """The guide's escalation. `first` and `on_call` are roles of `contacts`."""

    first: str = Field(default="release manager", min_length=1, description="Role that is told of a problem at once.")
    on_call: str = Field(
        default="on-call engineer (PagerDuty)",
        min_length=1,
        description="Role that is paged when nobody has acknowledged in time.",
    )
    acknowledge_minutes: int = Field(
        default=15, ge=1, le=240, description="Without an acknowledgement by then the on-call engineer is paged."
    )
    critical_hurt_requests: int = Field(
        default=100,
        ge=1,
        description="A problem that hurt so many requests is critical although it was taken back.",
    )
    response_team: str | None = Field(
        default=None, pattern=SLACK, description="Slack handle of the incident response team, as @S012AB3CD (its ID)."
    )


class NotifySettings(Concern):
    """Where a release is told, and the escalation of its problems."""

    slack: SlackSettings | None = None
    pagerduty: PagerDutySettings | None = None
    incident: IncidentSettings | None = None
    grafana: GrafanaSettings | None = None
    escalation: EscalationSettings = EscalationSettings()


def unknown_roles(notify: NotifySettings, contacts: Sequence[ContactSettings]) -> list[Wrong]:
    """Return the roles of the escalation that no contact has, where there are contacts at all."""
    known = [contact.role for contact in contacts]
    escalation = notify.escalation
    asked = {"first": escalation.first, "on_call": escalation.on_call} if known and notify.slack else {}
    return [
        contradiction(f"notify.escalation.{key}", role, f"no contact has this role; there are: {', '.join(known)}")
        for key, role in asked.items()
        if role not in known
    ]
