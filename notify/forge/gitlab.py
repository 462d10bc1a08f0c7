"""GitLab: the note on a merge request."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from checks.waiting import Clock
from notify.forge.asking import Forge, ForgeSender, Json

MEND = "see that GITLAB_TOKEN is a project access token with the scope api, and that it has not expired"


@dataclass
class GitLab:
    """One project, by its number. Only notes of the token's own user are ever changed."""

    forge: Forge
    project: str

    @classmethod
    def of(cls, client: httpx.Client, clock: Clock, *, api: str, project: str, token: str) -> GitLab:
        """Return the project as the bearer of `token` may use it."""
        return cls(
            Forge(ForgeSender("GitLab", client, clock, MEND), api.rstrip("/"), {"PRIVATE-TOKEN": token}), project
        )

    def comment(self, change: int, marker: str, text: str) -> str:
        """Make `text` the one note on a merge request that begins with `marker`; return its address. Raises NotTold."""
        me = self.forge.ask("GET", "/user").get("id")
        notes = f"/projects/{self.project}/merge_requests/{change}/notes"

        def ours(note: Json) -> bool:
            return str(note.get("body") or "").startswith(marker) and note.get("author", {}).get("id") == me

        found, old = self.forge.found_or_made(
            lambda: self.forge.first(notes, ours), lambda: self.forge.ask("POST", notes, {"body": text})
        )
        if old:
            self.forge.ask("PUT", f"{notes}/{found['id']}", {"body": text})
        return _address(found)


def _address(note: Json) -> str:
    return f"note {note.get('id', '')}"
