"""The incident tracking: a webhook that gets every problem, what was done about it, and when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from notify.channel import Memory
from notify.escalation import Acknowledgement, Action
from notify.message import What
from notify.sending import Sender
from notify.story import Notice

KEY = "incident"
CLOSED = "incident_closed"
MEND = "see notify.incident: url and token"


@dataclass(frozen=True)
class IncidentWebhook:
    """Posts JSON. `event` is `declare` where there is an incident, `note` for a problem that is none, or `resolve`.

    What a release goes without is noted too.

    `key` is the same for everything about one attempt of a release.
    """

    sender: Sender
    url: str
    token: str
    name: str = "incident tracking"

    def tell(self, notice: Notice, memory: Memory) -> None:
        """Declare, note or resolve. Raises NotTold."""
        if notice.problem is not None:
            declared = Action.DECLARE_INCIDENT in notice.actions or notice.key in memory.open(KEY)
            self._post("declare" if declared else "note", notice.key, notice)
            if declared:
                memory.keep(KEY, notice.key)
        elif notice.message.what is What.WAIVED:
            self._post("note", notice.key, notice)
        elif notice.message.what is What.VERIFIED:
            for key in memory.open(KEY):
                self._post("resolve", key, notice)
                memory.keep(CLOSED, [*(memory.recall(CLOSED) or []), key])

    def acknowledged(self, memory: Memory, now: datetime) -> Acknowledgement | None:  # noqa: ARG002
        """Return None: a webhook only listens."""
        return None

    def acknowledge(self, memory: Memory, by: str) -> None:
        """Do nothing: what is acknowledged stands in the release's record."""

    def close(self) -> None:
        """Let the connections go."""
        self.sender.client.close()

    def _post(self, event: str, key: str, notice: Notice) -> None:
        message, problem = notice.message, notice.problem
        body = {
            "event": event,
            "key": key,
            "severity": "critical" if problem is not None and problem.critical else "error" if problem else "info",
            "users_hurt": problem is not None and problem.users_hurt,
            "text": message.text,
            "what": message.what.value,
            "version": message.version,
            "where": str(message.place),
            "why": message.why,
            "next": message.next_command,
            "at": message.at.astimezone(UTC).isoformat(timespec="seconds"),
            "actions": [action.value for action in notice.actions],
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        self.sender.send(httpx.Request("POST", self.url, json=body, headers=headers))
