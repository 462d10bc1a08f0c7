"""PagerDuty: pages the on-call engineer (Events API v2), and tells whether somebody has acknowledged (REST API)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from notify.channel import Memory
from notify.escalation import Acknowledgement, Action
from notify.message import What
from notify.sending import Answer, Sender
from notify.story import Notice

KEY = "pagerduty"
CLOSED = "pagerduty_closed"
MEND = "see notify.pagerduty: routing_key is the integration key of Events API v2, token a REST API key"
PAGES = frozenset({Action.PAGE_ON_CALL, Action.CALL_RESPONSE_TEAM})
_ACCEPTED = 202
_LONGEST_KEY = 255


@dataclass(frozen=True)
class PagerDuty:
    """A service of PagerDuty. It is told when somebody is to be paged, and where `escalates`, of every problem.

    The key by which PagerDuty knows a problem is that of the attempt. A verified release resolves what is still open.
    """

    sender: Sender
    address: str
    routing_key: str
    escalates: bool
    rest_address: str = ""
    token: str = ""
    name: str = "PagerDuty"

    def tell(self, notice: Notice, memory: Memory) -> None:
        """Trigger, or resolve what a verified release has mended; a waiver is a change event, which pages nobody.

        Raises NotTold.
        """
        if notice.problem is not None and (PAGES & set(notice.actions) or self.escalates):
            self._trigger(notice, memory)
        elif notice.message.what is What.WAIVED:
            self._change(notice)
        elif notice.message.what is What.VERIFIED:
            self._resolve(memory)

    def acknowledged(self, memory: Memory, now: datetime) -> Acknowledgement | None:
        """Return who has acknowledged or resolved the incident of this attempt. Raises NotTold."""
        key = memory.recall(KEY)
        if not key or not self.token:
            return None
        headers = {
            "Authorization": f"Token token={self.token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
            "Content-Type": "application/json",
        }
        request = httpx.Request(
            "GET", f"{self.rest_address}/incidents", params={"incident_key": str(key)}, headers=headers
        )
        incidents = self.sender.send(request).body.get("incidents")
        found = [_acknowledgement(each, now, self.name) for each in incidents] if isinstance(incidents, list) else []
        return next((each for each in found if each is not None), None)

    def acknowledge(self, memory: Memory, by: str) -> None:  # noqa: ARG002
        """Acknowledge the incident of this attempt, where there is one. Raises NotTold."""
        key = memory.recall(KEY)
        if key:
            self._send({"event_action": "acknowledge", "dedup_key": str(key)})

    def close(self) -> None:
        """Let the connections go."""
        self.sender.client.close()

    def _trigger(self, notice: Notice, memory: Memory) -> None:
        message, problem = notice.message, notice.problem
        paging = bool(PAGES & set(notice.actions)) or (problem is not None and problem.critical)
        payload = {
            "summary": message.text,
            "source": str(message.place),
            "severity": "critical" if paging else "error",
            "timestamp": message.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "component": message.place.deployment,
            "group": message.place.namespace,
            "class": "release",
            "custom_details": {
                "what": message.what.value,
                "version": message.version,
                "why": message.why,
                "next": message.next_command,
                "actions": [action.value for action in notice.actions],
            },
        }
        key = notice.key[:_LONGEST_KEY]
        self._send({"event_action": "trigger", "dedup_key": key, "payload": payload, "client": "release-manager"})
        memory.keep(KEY, key)

    def _change(self, notice: Notice) -> None:
        message = notice.message
        payload = {
            "summary": message.text,
            "source": str(message.place),
            "timestamp": message.at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "custom_details": {"what": message.what.value, "version": message.version, "why": message.why},
        }
        self._send({"payload": payload}, "change/enqueue")

    def _resolve(self, memory: Memory) -> None:
        for key in memory.open(KEY):
            self._send({"event_action": "resolve", "dedup_key": key})
            memory.keep(CLOSED, [*(memory.recall(CLOSED) or []), key])

    def _send(self, event: Mapping[str, Any], below: str = "enqueue") -> None:
        body = {"routing_key": self.routing_key, **event}
        self.sender.send(httpx.Request("POST", f"{self.address}/v2/{below}", json=body), _wrong)


def _wrong(answer: Answer) -> str:
    if answer.status == _ACCEPTED and answer.body.get("status") == "success":
        return ""
    return f"it answers {answer.status}"


def _acknowledgement(incident: object, now: datetime, name: str) -> Acknowledgement | None:
    if not isinstance(incident, dict) or incident.get("status") not in {"acknowledged", "resolved"}:
        return None
    given = incident.get("acknowledgements")
    first = given[0] if isinstance(given, list) and given and isinstance(given[0], dict) else {}
    who = first.get("acknowledger")
    by = str(who.get("summary") or who.get("id") or "") if isinstance(who, dict) else ""
    at = _moment(first.get("at") or incident.get("last_status_change_at")) or now
    return Acknowledgement(at, by or f"somebody who has {incident['status']} it", name)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
