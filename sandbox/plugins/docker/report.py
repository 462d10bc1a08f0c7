"""Messages about one image, with every secret masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.plugins.protocol.engine_log import Log

MASK = "[secret]"
# Shorter secrets would blot out ordinary words.
SHORTEST_MASKED = 3


@dataclass(frozen=True)
class Report:
    """Messages about one resource, with every secret masked."""

    log: Log
    urn: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def about(cls, urn: str, log: Log, secrets: Iterable[str]) -> Report:
        """Return a report that masks `secrets`, the longest first."""
        masked = {text for text in secrets if len(text) >= SHORTEST_MASKED}
        return cls(log, urn, tuple(sorted(masked, key=len, reverse=True)))

    def masked(self, text: str) -> str:
        """Return `text` with every secret replaced."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text

    def status(self, message: str) -> None:
        """Show `message` while the resource is worked on."""
        self.log.status(self.urn, self.masked(message))

    def info(self, message: str) -> None:
        """Print `message`."""
        self.log.info(self.urn, self.masked(message))

    def warning(self, message: str) -> None:
        """Print `message` as a warning."""
        self.log.warning(self.urn, self.masked(message))
