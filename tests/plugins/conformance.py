"""Runs small programs on the real engine with whichever plug-ins are installed, against a real cluster."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

PROGRAMS = Path(__file__).with_name("programs")
RUN_SECONDS = 180
PROJECT = "conformance"


@dataclass(frozen=True)
class Result:
    status: int
    text: str
    seconds: float

    @property
    def errors(self) -> str:
        return "\n".join(re.findall(r"error: .*(?:\n(?!\s*\n).*)*", self.text))


@dataclass
class Stack:
    """One stack of one program in a directory of its own."""

    directory: Path
    command: str
    environment: Mapping[str, str]

    def configure(self, **values: Any) -> None:
        file = self.directory / "Pulumi.dev.yaml"
        content = yaml.safe_load(file.read_text()) if file.exists() else {}
        content.setdefault("config", {}).update({f"{PROJECT}:{key}": value for key, value in values.items()})
        file.write_text(yaml.safe_dump(content))

    def run(self, *arguments: str, status: int | None = 0, **variables: str) -> Result:
        started = time.monotonic()
        done = subprocess.run(
            [self.command, *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        result = Result(done.returncode, done.stdout, time.monotonic() - started)
        if status is not None:
            assert (result.status != 0) is (status != 0), result.text
        return result

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.command, *arguments, "--non-interactive"],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def up(self, *arguments: str, status: int = 0) -> Result:
        return self.run("up", "--yes", "--skip-preview", "--color=never", *arguments, status=status)

    def destroy(self) -> Result:
        return self.run("destroy", "--yes", "--skip-preview", "--color=never")

    def preview(self) -> dict[str, Step]:
        """Return the planned steps by the program's own names; unchanged resources are left out."""
        text = self.run("preview", "--json").text
        found: dict[str, Step] = {}
        for step in json.loads(text[text.index("{\n") :])["steps"]:
            name = step["urn"].rpartition("::")[2]
            if step["op"] not in {"same", "refresh"}:
                known = found.get(name, Step(frozenset(), frozenset()))
                paths = frozenset(step.get("detailedDiff") or {})
                found[name] = Step(known.operations | {step["op"]}, known.paths | paths)
        return found

    def outputs(self, *arguments: str) -> dict[str, Any]:
        text = self.run("stack", "output", "--json", *arguments).text
        found: dict[str, Any] = json.loads(text[text.index("{") :])
        return found

    def state_text(self) -> str:
        return self.run("stack", "export").text

    def state(self, name: str) -> dict[str, Any]:
        text = self.state_text()
        for item in json.loads(text[text.index("{") :])["deployment"].get("resources") or []:
            if item["urn"].endswith(f"::{name}"):
                found: dict[str, Any] = item
                return found
        return {}


@dataclass(frozen=True)
class Step:
    operations: frozenset[str]
    paths: frozenset[str]


@dataclass
class Objects:
    """The program `objects`: what it makes can be changed between runs."""

    stack: Stack
    provider: dict[str, Any]
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, name: str, sdk_class: str, *, options: Any = None, after: Any = (), **arguments: Any) -> None:
        item = {"class": sdk_class, "arguments": arguments, "options": options or {}, "after": list(after)}
        self.objects[name] = item
        self.write()

    def write(self) -> None:
        content = {"provider": self.provider, "objects": self.objects}
        (self.stack.directory / "objects.json").write_text(json.dumps(content))


@dataclass
class ClusterApi:
    """The cluster behind the plug-in's back: where tests look, and meddle."""

    client: httpx.Client
    namespace: str
    kubeconfig: str

    def path(self, kind: str, name: str = "") -> str:
        group, _, plural = kind.rpartition("/")
        prefix = f"/apis/{group}" if group else "/api/v1"
        return f"{prefix}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        answer = self.client.get(self.path(kind, name))
        if answer.status_code == 404:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def live(self, kind: str, name: str) -> dict[str, Any]:
        found = self.get(kind, name)
        assert found is not None, f"{kind} {name} does not exist"
        return found

    def post(self, kind: str, item: Any) -> None:
        self.client.post(self.path(kind), json=item).raise_for_status()

    def patch(self, kind: str, name: str, change: Any, manager: str) -> None:
        """Change an object as another manager would."""
        headers = {"Content-Type": "application/merge-patch+json"}
        answer = self.client.patch(
            self.path(kind, name), params={"fieldManager": manager}, content=json.dumps(change), headers=headers
        )
        answer.raise_for_status()

    def apply(self, kind: str, item: Any, manager: str) -> None:
        """Declare fields of an object by server-side apply as another manager would."""
        answer = self.client.patch(
            self.path(kind, item["metadata"]["name"]),
            params={"fieldManager": manager, "force": "true"},
            content=json.dumps(item),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        answer.raise_for_status()

    def eventually(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the cluster did not get there in time"
            time.sleep(0.2)


def make_stack(program: str, directory: Path, command: str, environment: Mapping[str, str], python: str) -> Stack:
    """Copy a program, and make an empty stack of it with refreshes before each preview and update."""
    shutil.copytree(PROGRAMS / program, directory)
    runtime = {"name": "python", "options": {"virtualenv": python}}
    project = {"name": PROJECT, "runtime": runtime, "options": {"refresh": "always"}}
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    state = directory.parent / "state"
    state.mkdir(exist_ok=True)
    own = {
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "conformance",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A program must never fall back to the user's own cluster.
        "KUBECONFIG": os.devnull,
    }
    kept = {key: value for key, value in environment.items() if key != "PULUMI_CONFIG_PASSPHRASE_FILE"}
    stack = Stack(directory, command, {**kept, **own})
    stack.run("stack", "init", "dev")
    return stack
