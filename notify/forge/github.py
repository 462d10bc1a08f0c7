"""GitHub: the comment on a pull request, the issue on drift, and who approved a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from checks.waiting import Clock
from notify.forge.asking import Forge, ForgeSender, Json

API = "https://api.github.com"
AUTHOR = "github-actions[bot]"
MEND = "see that the job may write (permissions: pull-requests: write, issues: write) and that its token is its own"


@dataclass
class GitHub:
    """One repository (`owner/name`). Only what `author` wrote is ever changed."""

    forge: Forge
    repository: str
    author: str = AUTHOR

    @classmethod
    def of(cls, client: httpx.Client, clock: Clock, *, api: str, repository: str, token: str) -> GitHub:
        """Return the repository as the bearer of `token` may use it."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        headers["X-GitHub-Api-Version"] = "2022-11-28"
        return cls(Forge(ForgeSender("GitHub", client, clock, MEND), api.rstrip("/"), headers), repository)

    def comment(self, change: int, marker: str, text: str) -> str:
        """Make `text` the one comment on a pull request that begins with `marker`; return its address.

        Raises NotTold.
        """
        comments = f"{self._path}/issues/{change}/comments"
        found, old = self.forge.found_or_made(
            lambda: self.forge.first(comments, lambda each: self._is_ours(each, marker)),
            lambda: self.forge.ask("POST", comments, {"body": text}),
        )
        if old:
            self.forge.ask("PATCH", f"{self._path}/issues/comments/{found['id']}", {"body": text})
        return _address(found)

    def issue(self, marker: str, title: str, text: str, labels: Sequence[str]) -> str:
        """Make `text` the body of the one open issue that begins with `marker`; return its address. Raises NotTold."""
        new = {"title": title, "body": text, "labels": list(labels)}
        found, old = self.forge.found_or_made(
            lambda: self._issue(marker, labels), lambda: self.forge.ask("POST", f"{self._path}/issues", new)
        )
        if old:
            changed = {"title": title, "body": text}
            self.forge.ask("PATCH", f"{self._path}/issues/{found['number']}", changed)
        return _address(found)

    def close_issue(self, marker: str, text: str, labels: Sequence[str]) -> str:
        """Close the open issue that begins with `marker`, with `text` as a comment; return its address, or nothing.

        Raises NotTold.
        """
        found = self._issue(marker, labels)
        if found is None:
            return ""
        path = f"{self._path}/issues/{found['number']}"
        self.forge.ask("POST", f"{path}/comments", {"body": text})
        return _address(self.forge.ask("PATCH", path, {"state": "closed", "state_reason": "completed"}))

    def approvers(self, run: str, environment: str) -> list[str]:
        """Return who approved that a run goes on into an environment, each once. Raises NotTold."""
        reviews = self.forge.ask("GET", f"{self._path}/actions/runs/{run}/approvals").get("items", [])
        return list(
            dict.fromkeys(
                str(each.get("user", {}).get("login", ""))
                for each in reviews
                if each.get("state") == "approved"
                and environment in {place.get("name") for place in each.get("environments", [])}
            )
        )

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}"

    def _issue(self, marker: str, labels: Sequence[str]) -> Json | None:
        path = f"{self._path}/issues?state=open&labels={','.join(labels)}"
        return self.forge.first(path, lambda each: "pull_request" not in each and self._is_ours(each, marker))

    def _is_ours(self, found: Json, marker: str) -> bool:
        # Anybody may write the marker into a comment: that one is not ours to change.
        return str(found.get("body") or "").startswith(marker) and found.get("user", {}).get("login") == self.author


def _address(found: Json) -> str:
    return str(found.get("html_url", ""))
