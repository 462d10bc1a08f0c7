"""Where a delivery runs: what GitHub Actions or GitLab CI say of the run, and nothing at all on a person's machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from checks.waiting import Clock
from cluster.trust import system_trust
from commands.delivery.errors import DeliveryError
from notify.forge.github import GitHub
from notify.forge.gitlab import GitLab
from notify.sending import client

Connect = Callable[[str], httpx.Client]


def _connect(address: str) -> httpx.Client:
    return client(address, system_trust())


@dataclass(frozen=True)
class Surroundings:
    """The variables of a run. What is asked for and not there is told by the name that it has in this kind of run."""

    variables: Mapping[str, str]
    connect: Connect = _connect
    clock: Clock = Clock()  # noqa: RUF009  (it is frozen)

    @property
    def gitlab(self) -> bool:
        """Whether this is a job of GitLab; else it is one of GitHub, or none."""
        return bool(self._get("GITLAB_CI"))

    @property
    def commit(self) -> str:
        """The commit that the run is of: of a pull request its last one, and not the merge that is tried out."""
        return self._get("HEAD_COMMIT") or self._get("GITHUB_SHA") or self._get("CI_COMMIT_SHA")

    @property
    def run(self) -> str:
        """The address of this run, or nothing."""
        if self.gitlab:
            return self._get("CI_PIPELINE_URL")
        parts = [self._get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""

    @property
    def actor(self) -> str:
        """Who began the run."""
        return self._get("GITHUB_ACTOR") or self._get("GITLAB_USER_LOGIN")

    @property
    def change(self) -> int:
        """The number of the pull or merge request. Raises DeliveryError where this is a run of none."""
        name = "CI_MERGE_REQUEST_IID" if self.gitlab else "PULL_REQUEST"
        text = self.need(name, "the number of the pull request")
        if not (text.isascii() and text.isdigit()):
            raise DeliveryError(f"{name} is '{text[:20]}', and the number of a pull request has only digits")
        return int(text)

    def add_to_summary(self, text: str) -> None:
        """Add Markdown to the summary of the job, where there is such a thing."""
        self._append("GITHUB_STEP_SUMMARY", text)

    def hand_on(self, name: str, value: str) -> None:
        """Hand a value on to later steps and jobs, where there are any. It is one line and no secret."""
        self._append("GITHUB_OUTPUT", f"{name}={value}\n")

    def github(self) -> GitHub:
        """Return the repository of this run. Raises DeliveryError."""
        api = self._get("GITHUB_API_URL") or "https://api.github.com"
        token = self.need("GITHUB_TOKEN", "the token of the job")
        repository = self.need("GITHUB_REPOSITORY", "the repository, as owner/name")
        return GitHub.of(self.connect(api), self.clock, api=api, repository=repository, token=token)

    def comments(self) -> GitHub | GitLab:
        """Return where comments are written. Raises DeliveryError."""
        if not self.gitlab:
            return self.github()
        api = self.need("CI_API_V4_URL", "the address of GitLab's API")
        token = self.need("GITLAB_TOKEN", "a project access token with the scope api")
        project = self.need("CI_PROJECT_ID", "the number of the project")
        return GitLab.of(self.connect(api), self.clock, api=api, project=project, token=token)

    def need(self, name: str, what: str) -> str:
        """Return the variable. Raises DeliveryError that says what it holds."""
        value = self._get(name)
        if not value:
            raise DeliveryError(f"the variable {name} is not set: {what}", mend="set it, as the workflow does")
        return value

    def _get(self, name: str) -> str:
        return self.variables.get(name, "")

    def _append(self, name: str, text: str) -> None:
        file = self._get(name)
        if file:
            with Path(file).open("a", encoding="utf-8") as target:
                target.write(text)
