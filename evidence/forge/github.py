"""GitHub: its REST API, read only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from cluster.trust import system_trust
from concerns.address import LOOPBACK
from concerns.forge import ForgeSettings
from concerns.secrets import ENCRYPTED_ELSEWHERE
from evidence.forge.forge import (
    CheckRun,
    EnvironmentApproval,
    ForgeError,
    PullRequest,
    Review,
    UnknownCommitError,
)

VERSION = "2022-11-28"
PER_PAGE, MOST_PAGES = 100, 5
# A commit has few workflow runs; each is a request of its own.
MOST_RUNS = 10
_DIGEST = re.compile(r"\bsha256:[0-9a-f]{64}\b")
_JUDGEMENTS = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_Model = TypeVar("_Model", bound=BaseModel)


class _User(BaseModel):
    login: str


class _Run(BaseModel):
    name: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None


class _Branch(BaseModel):
    ref: str
    sha: str


class _Label(BaseModel):
    name: str


class _Pull(BaseModel):
    number: int
    html_url: str
    user: _User | None = None
    head: _Branch
    base: _Branch
    merged_at: str | None = None
    labels: tuple[_Label, ...] = ()


class _Review(BaseModel):
    user: _User | None = None
    state: str
    commit_id: str | None = None
    html_url: str = ""


class _WorkflowRun(BaseModel):
    id: int
    html_url: str


class _Environment(BaseModel):
    name: str


class _Approval(BaseModel):
    state: str
    user: _User | None = None
    environments: tuple[_Environment, ...]
    comment: str | None = None


class _Commit(BaseModel):
    author: _User | None = None


class GitHub:
    """One repository. A context manager that closes its connections; each request is made once, and bounded.

    `token` is for where the settings were read without the engine, so that theirs is not decrypted. `transport`
    replaces the network in tests.
    """

    def __init__(
        self,
        settings: ForgeSettings,
        *,
        timeout_seconds: float,
        token: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        api = str(settings.api).rstrip("/")
        self._repository, self._workflow, self._api = settings.repository, settings.workflow, api
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        own = "" if settings.token is None else settings.token.get_secret_value()
        self._encrypted = own == ENCRYPTED_ELSEWHERE and not token
        if own == ENCRYPTED_ELSEWHERE:
            own = token
        if own:
            headers["Authorization"] = f"Bearer {own}"
        self._client = httpx.Client(
            headers=headers,
            timeout=timeout_seconds,
            # A proxy of the environment leads away from this machine.
            trust_env=settings.api.host not in LOOPBACK,
            verify=system_trust(),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    @property
    def name(self) -> str:
        """The forge and the repository, as a person says it."""
        return f"GitHub {self._repository}"

    def check_runs(self, sha: str) -> Sequence[CheckRun]:
        """Return the newest check runs of the commit. Raises UnknownCommitError."""
        found = self._list(_Run, f"commits/{sha}/check-runs", "check_runs", filter="latest")
        return [
            CheckRun(
                run.name,
                (run.conclusion or "none") if run.status == "completed" else run.status,
                run.html_url or self.page(sha),
            )
            for run in found
        ]

    def pull_requests(self, sha: str) -> Sequence[PullRequest]:
        """Return the pull requests that the commit is part of, or was made by. Raises UnknownCommitError."""
        return [
            PullRequest(
                number=pull.number,
                author=_login(pull.user),
                head=pull.head.sha,
                base=pull.base.ref,
                merged=pull.merged_at is not None,
                labels=tuple(label.name for label in pull.labels),
                link=pull.html_url,
            )
            for pull in self._list(_Pull, f"commits/{sha}/pulls")
        ]

    def reviews(self, number: int) -> Sequence[Review]:
        """Return the judgements of a pull request, oldest first; mere comments are none."""
        found = self._list(_Review, f"pulls/{number}/reviews")
        return [
            Review(_login(each.user), each.state.lower(), each.commit_id or "", each.html_url)
            for each in found
            if each.state in _JUDGEMENTS
        ]

    def environment_approvals(self, sha: str, environment: str) -> Sequence[EnvironmentApproval]:
        """Return who approved the commit for the environment; a rejection is none."""
        below = f"actions/workflows/{self._workflow}/runs" if self._workflow else "actions/runs"
        path = f"repos/{self._repository}/{below}"
        answer = self._get(path, head_sha=sha, per_page=MOST_RUNS)
        runs = self._parsed(_WorkflowRun, answer, path, "workflow_runs")
        found = list[EnvironmentApproval]()
        for run in runs:
            approvals_path = f"repos/{self._repository}/actions/runs/{run.id}/approvals"
            approvals = self._parsed(_Approval, self._get(approvals_path), approvals_path)
            found += [
                EnvironmentApproval(_login(each.user), run.html_url, _digest(each.comment or ""))
                for each in approvals
                if each.state == "approved" and environment in {one.name for one in each.environments}
            ]
        return found

    def author(self, sha: str) -> str:
        """Return the login of the commit's author, or nothing where it is nobody's. Raises UnknownCommitError."""
        path = f"repos/{self._repository}/commits/{sha}"
        return _login(self._parsed(_Commit, [self._get(path)], path)[0].author)

    def page(self, sha: str, path: str = "") -> str:
        """Return the address of the commit, or of a file in it, for a person to look at."""
        enterprise = self._api.removesuffix("/api/v3")
        web = "https://github.com" if self._api == "https://api.github.com" else enterprise
        return f"{web}/{self._repository}/{f'blob/{sha}/{path}' if path else f'commit/{sha}'}"

    def _list(self, model: type[_Model], below: str, key: str = "", **asked: str) -> list[_Model]:
        """Return all entries of a list, page after page. Raises ForgeError where they are too many to be sure."""
        path, found = f"repos/{self._repository}/{below}", list[_Model]()
        for page in range(1, MOST_PAGES + 1):
            entries = self._parsed(model, self._get(path, **asked, per_page=PER_PAGE, page=page), path, key)
            found += entries
            if len(entries) < PER_PAGE:
                return found
        raise ForgeError(f"{self.name} has more than {MOST_PAGES * PER_PAGE} entries in {below}; look at it by hand")

    def _parsed(self, model: type[_Model], answer: Any, path: str, key: str = "") -> list[_Model]:  # noqa: ANN401
        entries = answer.get(key) if key and isinstance(answer, dict) else answer
        try:
            return TypeAdapter(list[model]).validate_python(entries)  # type: ignore[valid-type]
        except ValidationError:
            raise ForgeError(
                f"{self.name} answers {path} in a way that GitHub does not; see that checklist.forge.api ({self._api})"
                " is the address of its REST API"
            ) from None

    def _get(self, path: str, **asked: str | int) -> Any:  # noqa: ANN401
        try:
            answer = self._client.get(f"{self._api}/{path}", params=asked)
        except httpx.HTTPError as error:
            # Its own text may hold what was sent.
            raise ForgeError(
                f"{self.name} gives no answer ({type(error).__name__}); see that {self._api} answers from here"
            ) from None
        if answer.is_success:
            try:
                return answer.json()
            except ValueError:
                return None
        raise self._refused(answer, path)

    def _refused(self, answer: httpx.Response, path: str) -> ForgeError:
        status, may_not = answer.status_code, {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
        if status in {httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.CONFLICT} and "/commits/" in path:
            return UnknownCommitError(f"{self.name} does not have the commit; push it: git push")
        if status == httpx.codes.TOO_MANY_REQUESTS or answer.headers.get("X-RateLimit-Remaining") == "0":
            return ForgeError(
                f"{self.name} takes no more requests for now (rate limit); set checklist.forge.token, which allows"
                " more of them, or wait up to an hour"
            )
        if status in may_not and self._encrypted:
            return ForgeError(
                f"{self.name} shows nothing at {path} without a token ({status}), and checklist.forge.token is"
                " encrypted, and the engine does not tell it here; see that pulumi config works, or set GITHUB_TOKEN"
            )
        if status in may_not:
            return ForgeError(
                f"{self.name} shows nothing at {path} ({status}); see that checklist.forge.repository is its name and"
                " that checklist.forge.token may read contents, checks, pull requests and actions"
            )
        if answer.is_redirect:
            return ForgeError(f"{self.name} has moved ({status}); set checklist.forge.repository to its new name")
        return ForgeError(f"{self.name} answers {path} with {status}; run the same command again")


def _digest(comment: str) -> str:
    """Return the digest of an image that a comment names; nothing where it names none, or more than one."""
    found = set(_DIGEST.findall(comment))
    return found.pop() if len(found) == 1 else ""


def _login(user: _User | None) -> str:
    return "" if user is None else user.login
