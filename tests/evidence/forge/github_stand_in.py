"""GitHub's REST API in memory: what the checklist asks of it, in the form in which GitHub answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from concerns.forge import ForgeSettings
from evidence.forge.github import GitHub

Json = dict[str, Any]
REPOSITORY = "acme/release-manager"
WEB = f"https://github.com/{REPOSITORY}"
TOKEN = "not-a-real-token"


def check(name: str, outcome: str = "success") -> Json:
    done = outcome not in {"queued", "in_progress"}
    return {
        "id": 7,
        "name": name,
        "status": "completed" if done else outcome,
        "conclusion": outcome if done else None,
        "html_url": f"{WEB}/runs/{name}",
        "app": {"slug": "github-actions"},
    }


def pull(number: int = 12, *, author: str | None = "ben", head: str = "h" * 40, **changes: Any) -> Json:
    return {
        "number": number,
        "html_url": f"{WEB}/pull/{number}",
        "state": "closed",
        "user": None if author is None else {"login": author, "id": 1},
        "head": {"ref": "topic", "sha": head},
        "base": {"ref": "main", "sha": "b" * 40},
        "merged_at": "2031-05-13T10:00:00Z",
        "labels": [],
        **changes,
    }


def judged(by: str, state: str = "APPROVED", *, commit: str = "h" * 40) -> Json:
    url = f"{WEB}/pull/12#pullrequestreview-{by}"
    return {"id": 1, "user": {"login": by}, "state": state, "commit_id": commit, "html_url": url, "body": ""}


def approved(by: str, environment: str = "production", state: str = "approved") -> Json:
    return {"state": state, "comment": "", "user": {"login": by}, "environments": [{"id": 1, "name": environment}]}


@dataclass
class GitHubStandIn:
    """`known` are the commits that it has; `fails` maps a part of a path to the answer that it gets instead."""

    known: set[str] = field(default_factory=set)
    checks: list[Json] = field(default_factory=list)
    pulls: list[Json] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    runs: dict[int, list[Json]] = field(default_factory=dict)
    author: str | None = "ben"
    fails: dict[str, httpx.Response | Exception] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def forge(self, settings: ForgeSettings | None = None, *, token: str = "") -> GitHub:
        wanted = settings or forge_settings()
        return GitHub(wanted, timeout_seconds=1, token=token, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path.removeprefix(f"/repos/{REPOSITORY}/")
        for part, failure in self.fails.items():
            if part in path:
                if isinstance(failure, Exception):
                    raise failure
                return failure
        if path == request.url.path:
            return httpx.Response(404, json={"message": "Not Found"})
        commit = re.fullmatch(r"commits/([^/]+)(/.*)?", path)
        if commit and commit[1] not in self.known:
            return httpx.Response(422, json={"message": f"No commit found for SHA: {commit[1]}"})
        return httpx.Response(200, content=json.dumps(self._body(path, request.url.params)))

    def _body(self, path: str, asked: httpx.QueryParams) -> Any:
        page, size = int(asked.get("page", 1)), int(asked.get("per_page", 30))
        part = slice((page - 1) * size, page * size)
        if path.endswith("/check-runs"):
            return {"total_count": len(self.checks), "check_runs": self.checks[part]}
        if path.endswith("/pulls"):
            return self.pulls[part]
        if path.endswith("/reviews"):
            return self.reviews[part]
        if path.endswith("/runs"):
            runs = [{"id": number, "html_url": f"{WEB}/actions/runs/{number}"} for number in self.runs]
            return {"total_count": len(runs), "workflow_runs": runs[part]}
        if path.endswith("/approvals"):
            return self.runs[int(path.split("/")[-2])]
        return {"sha": path.rpartition("/")[2], "author": None if self.author is None else {"login": self.author}}


def forge_settings(**changes: Any) -> ForgeSettings:
    values = {"repository": REPOSITORY, "token": TOKEN, **changes}
    return ForgeSettings.model_validate_json(json.dumps(values))
