"""Grafana: an annotation on the dashboard for everything that a graph could show the effect of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import httpx

from notify.channel import Memory
from notify.escalation import Acknowledgement
from notify.message import What
from notify.sending import Sender
from notify.story import Notice

MEND = "see notify.grafana: the token may write annotations (annotations:create), and the dashboard's UID is right"


@dataclass(frozen=True)
class Grafana:
    """Writes annotations (POST /api/annotations), on `dashboard` or, where that is empty, for the organization."""

    sender: Sender
    address: str
    token: str
    dashboard: str
    name: str = "Grafana"

    def tell(self, notice: Notice, memory: Memory) -> None:  # noqa: ARG002
        """Write an annotation at the moment of the message; a check that changed nothing is none. Raises NotTold."""
        message = notice.message
        if message.what is What.CHECKED:
            return
        body = {
            "time": round(message.at.timestamp() * 1000),
            "tags": ["release-manager", message.place.stack, message.what.value, message.version],
            "text": message.text,
            **({"dashboardUID": self.dashboard} if self.dashboard else {}),
        }
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        self.sender.send(httpx.Request("POST", f"{self.address}/api/annotations", json=body, headers=headers))

    def acknowledged(self, memory: Memory, now: datetime) -> Acknowledgement | None:  # noqa: ARG002
        """Return None: nobody acknowledges in Grafana."""
        return None

    def acknowledge(self, memory: Memory, by: str) -> None:
        """Do nothing: nothing rings here."""

    def close(self) -> None:
        """Let the connections go."""
        self.sender.client.close()
