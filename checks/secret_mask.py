"""What is not to be told of the lines that a command prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

MASK = "***"
SHORTEST_SECRET = 4
_NAME = re.compile(r"password|passwd|passphrase|token|secret|credential|api_?key|_key$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^/:@\s]*:)[^/@\s]+@")
# As `curl --verbose` and the like show a sign-in.
_HEADER = re.compile(r"((?:authorization|cookie|x-api-key)\s*:\s*(?:(?:bearer|basic|token)\s+)?)\S.*", re.IGNORECASE)


@dataclass(frozen=True)
class SecretMask:
    """Masks known secrets, in whatever line they show, and what looks like a sign-in."""

    secrets: frozenset[str] = frozenset()

    @classmethod
    def of(cls, environment: Mapping[str, str], also: Iterable[str] = ()) -> SecretMask:
        """Return the mask of the values of `environment` whose names speak of a secret, and of `also`."""
        values = [value for name, value in environment.items() if _NAME.search(name)]
        # Lines are masked one by one, so each line of a secret is one; in an address it is written in another way.
        parts = {part.strip() for value in (*values, *also) for part in value.splitlines()}
        parts |= {quote(part, safe="") for part in parts}
        return cls(frozenset(part for part in parts if len(part) >= SHORTEST_SECRET))

    def over(self, line: str) -> str:
        """Return the line without secrets."""
        # The longest first: a secret may begin with another.
        for secret in sorted(self.secrets, key=len, reverse=True):
            line = line.replace(secret, MASK)
        return _HEADER.sub(rf"\g<1>{MASK}", _IN_ADDRESS.sub(rf"\g<1>{MASK}@", line))
