"""Where the process is in its life: starting, serving, draining."""

from dataclasses import dataclass


@dataclass
class Lifecycle:
    """The one mutable thing that the server, the probes and the requests share; used in the event loop only."""

    started: bool = False
    draining: bool = False

    def start(self) -> None:
        """Take requests from now on."""
        self.started = True

    def reason_not_ready(self) -> str:
        """Return why no new request should come here; empty when they may."""
        if self.draining:
            return "draining"
        return "" if self.started else "starting"
