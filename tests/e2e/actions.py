"""Runs the workflows as GitHub does: each job in a fresh clone, with what its file gives it and nothing else.

The steps, their order, conditions, variables, outputs and artifacts are read from the files. Only actions that bring
something are stood in for: a clone, the Python environment that there is, and a directory that artifacts go through.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import yaml

STEP_SECONDS = 900
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
Json = dict[str, Any]
Result = Literal["success", "failure", "skipped"]


def value(expression: str, known: Mapping[str, Any]) -> Any:
    """Return what an expression of a workflow comes to: names, texts, ==, !=, &&, || and !cancelled()."""
    for sign in ("||", "&&"):
        parts = expression.split(sign)
        if len(parts) > 1:
            found = [value(part, known) for part in parts]
            wanted = (each for each in found if bool(each) == (sign == "||"))
            return next(wanted, found[-1])
    for sign in ("==", "!="):
        left, found_sign, right = expression.partition(sign)
        if found_sign:
            return (value(left, known) == value(right, known)) == (sign == "==")
    text = expression.strip()
    if text == "!cancelled()":
        return True
    if text.startswith("'"):
        return text.strip("'")
    place: Any = known
    for name in text.split("."):
        place = place.get(name, "") if isinstance(place, Mapping) else ""
    return place


def filled_in(text: object, known: Mapping[str, Any]) -> str:
    """Return the text with its expressions evaluated."""
    return EXPRESSION.sub(lambda found: str(value(found[1], known)), str(text))


@dataclass(frozen=True)
class Event:
    """What the run is of: a branch or tag that was pushed, or a pull request."""

    kind: Literal["branch", "tag"]
    name: str
    commit: str
    pull_request: int = 0

    def variables(self) -> dict[str, str]:
        """Return what GitHub says of it."""
        return {"GITHUB_REF_TYPE": self.kind, "GITHUB_REF_NAME": self.name, "GITHUB_SHA": self.commit}

    def github(self) -> Json:
        """Return it as `github` in expressions."""
        head = {"sha": self.commit, "repo": {"full_name": REPOSITORY}}
        pull = {"number": self.pull_request, "head": head, "user": {"login": ACTOR}}
        return {"ref": self.name, "event": {"pull_request": pull if self.pull_request else {}}}


REPOSITORY = "acme/release-manager"
ACTOR = "bo"


@dataclass
class Ran:
    """How a job ended. `steps` are the commands that ran, each with its status; `text` is all that they printed."""

    result: Result
    steps: list[tuple[str, int]] = field(default_factory=list)
    text: str = ""
    summary: str = ""
    checkout: Path = Path()


@dataclass
class Forge:
    """What stays the same from run to run: where the code lies, where its API is, and what a runner brings.

    `environment` gives a runner's own variables by the stack that a step works on; under "" those of the others.
    `variables` are those of the repository.
    """

    directory: Path
    origin: Path
    api: str
    token: str
    venv: Path
    environment: dict[str, dict[str, str]]
    variables: Mapping[str, str]
    runs: int = 0

    def begin(self, file: Path, event: Event, variables: Mapping[str, str] | None = None) -> Run:
        """Begin a run of a workflow; `variables` are those of its environments."""
        self.runs += 1
        directory = self.directory / f"run-{self.runs}"
        directory.mkdir(parents=True)
        text = re.sub(r"^on:", "'on':", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        return Run(
            self, str(self.runs), directory, yaml.safe_load(text), event, {**self.variables, **(variables or {})}
        )


@dataclass
class Run:
    """One run of one workflow."""

    forge: Forge
    number: str
    directory: Path
    workflow: Json
    event: Event
    variables: Mapping[str, str]
    done: dict[str, Ran] = field(default_factory=dict)
    outputs: dict[str, Json] = field(default_factory=dict)
    clones: Iterator[int] = field(default_factory=count)

    def job(self, name: str, matrix: Mapping[str, str] | None = None) -> Ran:
        """Run one job, if its conditions hold, once for each of its matrix or for the one that is named."""
        job = self.workflow["jobs"][name]
        every = [dict(matrix)] if matrix is not None else list(_matrix(job))
        ran = [self._once(name, job, each) for each in every]
        results = {each.result for each in ran}
        self.done[name] = Ran(
            result="failure" if "failure" in results else ran[0].result,
            steps=[step for each in ran for step in each.steps],
            text="".join(each.text for each in ran),
            summary="".join(each.summary for each in ran),
            checkout=ran[-1].checkout,
        )
        return self.done[name]

    def all(self) -> dict[str, Result]:
        """Run all jobs in their order, and return how each ended."""
        for name in self.workflow["jobs"]:
            if name not in self.done:
                self.job(name)
        return {name: ran.result for name, ran in self.done.items()}

    def artifact(self, name: str) -> Path:
        """Return where an artifact lies."""
        return self.directory / "artifacts" / name

    def _once(self, name: str, job: Json, matrix: Mapping[str, str]) -> Ran:
        known = self._known(job, matrix)
        if not self._goes(job, known):
            return Ran("skipped")
        ran = Ran("success", checkout=self._clone("-".join([name, *matrix.values(), str(next(self.clones))])))
        for step in job["steps"]:
            condition = str(step.get("if", "")).strip().removeprefix("${{").removesuffix("}}").strip()
            wanted = ran.result == "success" if not condition else value(condition, known)
            if wanted and not self._step(step, job, known, ran):
                ran.result = "failure"
        self.outputs[name] = {key: filled_in(text, known) for key, text in job.get("outputs", {}).items()}
        print(ran.text)
        return ran

    def _goes(self, job: Json, known: Mapping[str, Any]) -> bool:
        condition = str(job.get("if", ""))
        if condition and not value(condition, known):
            return False
        ended = all(self.done[each].result == "success" for each in _needs(job))
        return ended or "!cancelled()" in condition

    def _known(self, job: Json, matrix: Mapping[str, str]) -> Json:
        needs = {each: {"outputs": self.outputs.get(each, {})} for each in _needs(job)}
        github = {**self.event.github(), "repository": REPOSITORY, "token": self.forge.token}
        return {"vars": self.variables, "matrix": matrix, "needs": needs, "github": github, "steps": {}}

    def _clone(self, name: str) -> Path:
        checkout = self.directory / name
        origin = str(self.forge.origin)
        clone = ["git", "clone", "--quiet", "--branch", self.event.name, origin, str(checkout)]
        subprocess.run(clone, check=True, capture_output=True)
        (checkout / ".venv").symlink_to(self.forge.venv)
        # The environment is there already; a clone's files are always newer.
        for file in ("requirements.lock", "sandbox/python-environment"):
            os.utime(checkout / file, (0, 0))
        return checkout

    def _step(self, step: Json, job: Json, known: Json, ran: Ran) -> bool:
        known["github"]["workspace"] = str(ran.checkout)
        if "run" not in step:
            return self._action(step, known, ran.checkout)
        output, summary = ran.checkout.with_suffix(".output"), ran.checkout.with_suffix(".summary")
        output.write_text("", encoding="utf-8")
        said = [self.workflow.get("env", {}), job.get("env", {}), step.get("env", {})]
        variables = {key: filled_in(text, known) for each in said for key, text in each.items()}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=ran.checkout,
            env={**self._variables(step["run"], job, variables), **variables}
            | {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        ran.steps.append((step["run"], done.returncode))
        ran.text += f"\n$ {step['run']}\n{done.stdout}"
        if summary.exists():
            ran.summary = summary.read_text(encoding="utf-8")
        if "id" in step:
            lines = (line.partition("=") for line in output.read_text(encoding="utf-8").splitlines())
            known["steps"][step["id"]] = {"outputs": {key: text for key, _, text in lines}}
        return done.returncode == 0

    def _variables(self, command: str, job: Json, variables: Mapping[str, str]) -> dict[str, str]:
        named = re.search(r"STACK=(\w+)", command)
        stack = named[1] if named is not None else variables.get("STACK", "")
        found = {
            **self.forge.environment.get(stack, self.forge.environment[""]),
            **self.event.variables(),
            "GITHUB_API_URL": self.forge.api,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": self.number,
            "GITHUB_ACTOR": ACTOR,
        }
        if job["permissions"].get("id-token") == "write":
            found["ACTIONS_ID_TOKEN_REQUEST_URL"] = f"{self.forge.api}/id-token"
            found["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "of-this-job"
        return found

    def _action(self, step: Json, known: Mapping[str, Any], checkout: Path) -> bool:
        action, given = step["uses"], step.get("with", {})
        if "upload-artifact" in action:
            return _upload(checkout, self.artifact(filled_in(given["name"], known)), _lines(given["path"]), given)
        if "download-artifact" in action:
            for found in sorted((self.directory / "artifacts").glob(given.get("name") or given["pattern"])):
                shutil.copytree(found, checkout / given["path"], dirs_exist_ok=True)
        return True


def _upload(checkout: Path, artifact: Path, paths: Sequence[str], given: Json) -> bool:
    """Keep the files under what their paths have in common, as GitHub does."""
    found = [file for path in paths for file in sorted(checkout.glob(path))]
    files = [each for one in found for each in ([one] if one.is_file() else one.rglob("*")) if each.is_file()]
    if not files:
        return given.get("if-no-files-found") != "error"
    # A pattern's fixed part is its root.
    roots = [path.partition("*")[0].rpartition("/")[0] if "*" in path else str(Path(path).parent) for path in paths]
    root = checkout / (paths[0] if len(paths) == 1 and found[0].is_dir() else os.path.commonpath(roots))
    for file in files:
        target = artifact / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
    return True


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _needs(job: Json) -> list[str]:
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


def _matrix(job: Json) -> Iterator[dict[str, str]]:
    matrix = job.get("strategy", {}).get("matrix")
    if matrix is None:
        yield {}
        return
    ((name, values),) = matrix.items()
    yield from ({name: each} for each in values)
