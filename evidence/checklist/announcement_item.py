"""Item 12: the stakeholders were told, by a message of the program itself or by one that the release file links to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from checks.reader import Unreachable
from checks.waiting import Clock
from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.errors import ClusterError
from cluster.history.history import History
from concerns.checklist_sources import AnnouncementSettings
from concerns.notify import SlackSettings
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE, ask, duration, unanswered
from notify.channels import Connect
from notify.slack import MESSAGE

KEPT = 50
# What Slack answers about a message that is not there (any more).
_GONE = frozenset({"message_not_found", "channel_not_found"})
_LINK = re.compile(r"^https://[a-z0-9.-]+\.slack\.com/archives/([A-Z0-9]{5,})/p([0-9]{10})([0-9]{6})(\?.*)?$")
_TS = re.compile(r"^[0-9]{10}\.[0-9]{6}$")


class Announcement(BaseModel):
    """One message to the stakeholders: `channel` and `ts` are Slack's, of which `ts` also says when it was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    channel: str
    ts: str
    by: str
    at: AwareDatetime


class Announcements:
    """The announcements that the program has sent: ConfigMap `<deployment>-announcements`, one key for each version."""

    def __init__(self, cluster: Cluster, deployment: str) -> None:
        self._cluster = cluster
        self.name = f"{deployment}-announcements"

    def of(self, version: str) -> Announcement | None:
        """Return the announcement of `version`, or None. Raises ClusterError where it is damaged, or Unreachable."""
        text = _data(self._cluster.config_map(self.name)).get(version)
        if text is None:
            return None
        try:
            return Announcement.model_validate_json(text)
        except ValueError as error:
            raise ClusterError(
                f"key {version} of ConfigMap {self.name} does not hold an announcement", mend="announce it again"
            ) from error

    def add(self, announcement: Announcement) -> None:
        """Keep the announcement in place of the one before of the same version. Raises ClusterError or Unreachable."""

        def with_it(found: JsonObject | None) -> Mapping[str, str]:
            others = {key: text for key, text in _data(found).items() if key != announcement.version}
            # Versions name their day, so that the last ones in order are the newest.
            kept = sorted(others)[-(KEPT - 1) :]
            return {**{key: others[key] for key in kept}, announcement.version: announcement.model_dump_json()}

        change_config_map(self._cluster, self.name, with_it, mend="run the same command again")


@dataclass(frozen=True)
class _Told:
    """A message: where it is, who sent it, and the beginning of a sentence about it."""

    channel: str
    ts: str
    source: str
    value: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)


@dataclass(frozen=True)
class AnnouncementItem:
    """Finds the message of one version. `link` is the one of the release file, empty where it has none."""

    version: str
    stack: str
    link: str
    wanted: AnnouncementSettings
    slack: SlackSettings | None
    cluster: Cluster
    deployment: str
    connect: Connect
    clock: Clock
    wall_clock: Callable[[], datetime]

    @property
    def _mend(self) -> str:
        return f"make announce STACK={self.stack}, or name its link as `announcement` in the release file"

    def prove(self) -> Proof:
        """Look once."""
        try:
            told = self._own() or self._linked()
        except (ClusterError, Unreachable, *NONSENSE) as error:
            return unanswered(f"the announcements of {self.deployment}", error, "see that the cluster answers")
        if told is not None:
            return self._judge(told)
        if not self.link:
            return Proof(State.MISSING, "announcement", f"{self.version} was announced to nobody", closes=self._mend)
        if any(self.link.startswith(each) for each in self.wanted.links):
            return Proof(State.PROVEN, "the release file", f"announced: {self.link}", link=self.link)
        places = ", ".join(("https://<workspace>.slack.com/archives/", *self.wanted.links))
        value = "it links to an announcement that is at none of the places for them"
        return Proof(State.MISSING, "the release file", value, closes=f"{self._mend}; places are: {places}")

    def _own(self) -> _Told | None:
        announced = Announcements(self.cluster, self.deployment).of(self.version)
        if announced is not None and _TS.match(announced.ts):
            return _Told(announced.channel, announced.ts, "Slack", f"announced by {announced.by}")
        for attempt in History(self.cluster, self.deployment).read():
            message = attempt.fact(MESSAGE)
            if attempt.fact("version") == self.version and _is_message(message):
                value = f"told when attempt {attempt.number} began"
                return _Told(message["channel"], message["ts"], "Slack", value)
        return None

    def _linked(self) -> _Told | None:
        parts = _LINK.match(self.link)
        if parts is None:
            return None
        return _Told(parts[1], f"{parts[2]}.{parts[3]}", "Slack, by the release file", "announced")

    def _judge(self, told: _Told) -> Proof:
        now = self.wall_clock()
        link = self.link
        if self.slack is not None:
            try:
                found = self._permalink(self.slack, told)
            except Unreachable as error:
                closes = "see that Slack answers, and that notify.slack.token is right"
                return unanswered(told.source, error, closes)
            if found is None:
                return Proof(State.MISSING, told.source, f"{told.value}, but the message is gone", closes=self._mend)
            link = found
        elif told.source != "Slack":
            closes = f"set notify.slack in Pulumi.{self.stack}.yaml, with whose token the message is looked up"
            return Proof(State.UNKNOWN, told.source, "a message that nobody can look up", link=link, closes=closes)
        before = timedelta(minutes=self.wanted.minutes_before)
        age = now - told.at
        value, seen = f"{told.value} at {told.at:%Y-%m-%d %H:%M} UTC", f"{duration(age)} ago"
        if age < before:
            closes = f"begin at {told.at + before:%Y-%m-%d %H:%M} UTC or later"
            value = f"{value}, and has to be {duration(before)} before"
            return Proof(State.MISSING, told.source, value, seen=seen, link=link, closes=closes)
        return Proof(State.PROVEN, told.source, value, seen=seen, link=link)

    def _permalink(self, slack: SlackSettings, told: _Told) -> str | None:
        """Return the link of a message that exists, None where it does not. Raises Unreachable."""
        address = str(slack.api).rstrip("/")
        request = httpx.Request(
            "GET",
            f"{address}/chat.getPermalink",
            params={"channel": told.channel, "message_ts": told.ts},
            headers={"Authorization": f"Bearer {slack.token.get_secret_value()}"},
        )
        with self.connect(address) as client:
            body = ask("Slack", client, request, self.clock).body
        permalink = body.get("permalink")
        if body.get("ok") is True and isinstance(permalink, str):
            return permalink
        error = str(body.get("error", ""))
        if error in _GONE:
            return None
        raise Unreachable(f"Slack: {error}" if re.match(r"^[a-z0-9_]{1,60}$", error) else "Slack answers nonsense")


def announcement_prover(
    wanted: AnnouncementSettings | None,
    slack: SlackSettings | None,
    *,
    version: str,
    stack: str,
    link: str,
    cluster: Cluster,
    deployment: str,
    connect: Connect,
    clock: Clock,
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that `version` was announced: first what the program has sent, then `link`.

    With `slack` the message is looked up there; a link to another place counts where the settings name the place.
    """
    item = AnnouncementItem(
        version=version,
        stack=stack,
        link=link,
        wanted=wanted or AnnouncementSettings(),
        slack=slack,
        cluster=cluster,
        deployment=deployment,
        connect=connect,
        clock=clock,
        wall_clock=wall_clock,
    )
    return item.prove


def _data(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {} if found is None else dict(found.get("data") or {})


def _is_message(found: object) -> bool:
    return (
        isinstance(found, Mapping) and isinstance(found.get("channel"), str) and bool(_TS.match(str(found.get("ts"))))
    )
