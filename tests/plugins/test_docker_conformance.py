"""What an Image does on the real engine, whichever docker plug-in is installed.

Needs a Docker engine (DOCKER_HOST, or the sandbox's) and the sandbox's registry on 127.0.0.1:5000. Every image is made
from scratch, so nothing is pulled.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import docker
import docker.errors
import httpx
import pytest

from sandbox.paths import Paths
from sandbox.plugins.install import PluginInstaller, PulumiEnvironment
from sandbox.toolchain.build import Toolchain
from sandbox.toolchain.downloads import Downloads
from sandbox.toolchain.pulumi_cli import PulumiCli, PulumiFinder

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

REGISTRY = "127.0.0.1:5000"
ACCEPT = {"Accept": "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"}
RUN_SECONDS = 120
DOCKERFILE = "FROM scratch\nARG GREETING\nCOPY . /\n"
PASSWORD = "correct-horse-battery"
PROGRAM = """
import json, os, pulumi, pulumi_docker as docker
given = json.loads(os.environ["INPUTS"])
registry = given.pop("registry", None)
if registry:
    registry["password"] = pulumi.Output.secret(registry["password"])
image = docker.Image("app", registry=registry, **given)
for name in ("base_image_name", "context", "dockerfile", "image_name", "registry_server", "repo_digest"):
    pulumi.export(name, getattr(image, name))
"""


def silent(_: str) -> None:
    pass


@dataclass(frozen=True)
class Answer:
    """One run: its exit status and what it printed."""

    status: int
    text: str

    @property
    def error(self) -> str:
        return "\n".join(line for line in self.text.splitlines() if "error:" in line)


@dataclass
class Project:
    """A program with one Image, and the stack it makes."""

    directory: Path
    cli: PulumiCli
    environment: PulumiEnvironment
    inputs: dict[str, Any]
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> Answer:
        variables = {**os.environ, "INPUTS": json.dumps(self.inputs), **self.variables}
        done = subprocess.run(
            [str(self.cli.program), *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment.over(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return Answer(done.returncode, done.stdout)

    def up(self) -> Answer:
        answer = self.run("up", "--yes", "--skip-preview")
        assert answer.status == 0, answer.text
        return answer

    def preview(self, *arguments: str) -> str:
        """Return the operation that a preview plans for the image."""
        answer = self.run("preview", "--diff", *arguments)
        assert answer.status == 0, answer.text
        planned = re.search(r"docker:index/image:Image: \((\w+)\)", answer.text)
        return planned.group(1) if planned else "same"

    def outputs(self) -> dict[str, Any]:
        answer = self.run("stack", "output", "--json")
        found: dict[str, Any] = json.loads(answer.text[answer.text.index("{") :])
        return found

    def state(self) -> dict[str, Any]:
        answer = self.run("stack", "export")
        deployment = json.loads(answer.text[answer.text.index("{") :])["deployment"]
        found: dict[str, Any] = next(item for item in deployment["resources"] if item["type"].endswith(":Image"))
        return found

    def write(self, name: str, text: str) -> None:
        (self.directory / "app" / name).write_text(text, encoding="utf-8")


def manifest(repository: str, reference: str) -> str:
    """Return the address of a manifest; `repository` begins with the registry."""
    return f"http://{REGISTRY}/v2/{repository.partition('/')[2]}/manifests/{reference}"


def forget(name: str) -> None:
    """Remove the image that a test made from the engine and from the registry, if it got there."""
    repository, _, tag = name.rpartition(":")
    if repository.startswith(REGISTRY):
        found = httpx.head(manifest(repository, tag), headers=ACCEPT, timeout=10)
        if found.is_success:
            httpx.delete(manifest(repository, found.headers["Docker-Content-Digest"]), timeout=10)
    client = docker.from_env()
    with contextlib.closing(client), contextlib.suppress(docker.errors.ImageNotFound):
        client.images.remove(name, force=True)


@pytest.fixture(scope="module")
def cli() -> PulumiCli:
    paths = Paths.default()
    return PulumiFinder(paths, Toolchain(paths), Downloads(paths)).find(silent)


@pytest.fixture
def project(cli: PulumiCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    default = Paths.default()
    own = default.run / "docker.sock"
    if "DOCKER_HOST" not in os.environ and own.exists():
        monkeypatch.setenv("DOCKER_HOST", f"unix://{own}")
    paths = replace(default, data=tmp_path / "data")
    environment = PluginInstaller(paths, cli, Downloads(paths)).install(silent)
    directory = tmp_path / "project"
    (directory / "app").mkdir(parents=True)
    runtime = f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}"
    (directory / "Pulumi.yaml").write_text(f"name: conformance\n{runtime}\n", encoding="utf-8")
    (directory / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    name = f"{REGISTRY}/conformance/{uuid.uuid4().hex[:12]}:one"
    project = Project(directory, cli, environment, {"image_name": name, "build": {"context": "app"}})
    project.write("Dockerfile", DOCKERFILE)
    project.write("hello", "hello")
    project.run("stack", "init", "dev")
    yield project
    forget(project.inputs["image_name"])


def test_a_pushed_image_is_in_the_registry_under_the_digest_that_is_returned(project: Project) -> None:
    project.up()
    outputs = project.outputs()
    repository, digest = outputs["repo_digest"].split("@")
    name = project.inputs["image_name"]
    assert repository == name.rpartition(":")[0]
    assert outputs["image_name"] == outputs["base_image_name"] == name
    assert (outputs["context"], outputs["dockerfile"]) == ("app", "Dockerfile")
    assert httpx.head(manifest(repository, digest), headers=ACCEPT, timeout=10).status_code == 200


def test_nothing_changes_until_the_context_does(project: Project) -> None:
    project.write(".dockerignore", "*.tmp")
    project.up()
    before = project.outputs()["repo_digest"]
    project.write("scratch.tmp", "ignored")
    assert project.preview() == "same"
    assert project.preview("--refresh") == "same"
    project.write("hello", "good bye")
    assert project.preview() == "update"
    project.up()
    assert project.outputs()["repo_digest"] != before
    assert project.preview() == "same"


@pytest.mark.parametrize(
    "change",
    [
        {"build": {"context": "app", "args": {"GREETING": "hi"}}},
        {"build": {"context": "app", "dockerfile": "app/Other"}},
        {"build": {"context": "app", "builder_version": "BuilderV1"}},
        {"image_name": f"{REGISTRY}/conformance/other:two"},
        {"skip_push": True},
        {"registry": {"server": REGISTRY, "username": "u", "password": PASSWORD}},
    ],
    ids=["args", "dockerfile", "builder", "name", "skip push", "registry"],
)
def test_a_changed_input_is_an_update_and_never_a_replacement(project: Project, change: dict[str, Any]) -> None:
    project.write("Other", DOCKERFILE)
    project.up()
    project.inputs |= change
    assert project.preview() == "update"


def test_a_renewed_password_is_no_change_and_no_password_is_in_the_state(project: Project) -> None:
    project.inputs["registry"] = {"server": REGISTRY, "username": "u", "password": PASSWORD}
    answer = project.up()
    assert PASSWORD not in answer.text
    assert PASSWORD not in json.dumps(project.state())
    assert project.outputs()["registry_server"] == REGISTRY
    project.inputs["registry"]["password"] = "another-password"
    assert project.preview() == "same"


def test_an_image_that_is_not_pushed_is_known_by_its_id(project: Project) -> None:
    project.inputs["skip_push"] = True
    project.up()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", project.outputs()["repo_digest"])


def test_the_state_holds_what_the_official_plug_in_puts_there(project: Project) -> None:
    project.up()
    state = project.state()
    assert state["id"] == project.inputs["image_name"]
    assert set(state["inputs"]) == {"build", "buildOnPreview", "imageName", "skipPush"}
    assert set(state["inputs"]["build"]) == {"context", "contextDigest", "dockerfile", "platform"}
    assert set(state["outputs"]) - {"platform"} == {
        "__inputs",
        "baseImageName",
        "context",
        "dockerfile",
        "imageName",
        "registryServer",
        "repoDigest",
    }
    assert "ciphertext" in state["outputs"]["__inputs"]


def test_a_preview_builds_only_where_it_shall(project: Project) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY nothing-like-that /\n")
    assert project.preview() == "create"
    project.inputs |= {"build_on_preview": True}
    answer = project.run("preview")
    assert answer.status != 0
    assert "nothing-like-that" in answer.text


def test_a_failing_step_fails_the_update_with_its_reason(project: Project) -> None:
    project.write("Dockerfile", "FROM scratch\nCOPY nothing-like-that /\n")
    answer = project.run("up", "--yes", "--skip-preview")
    assert answer.status != 0
    assert "nothing-like-that" in answer.error


def test_a_missing_dockerfile_is_told_at_preview(project: Project) -> None:
    (project.directory / "app" / "Dockerfile").unlink()
    answer = project.run("preview")
    assert answer.status != 0
    assert "app/Dockerfile" in answer.error


def test_a_registry_that_does_not_answer_fails_the_update(project: Project) -> None:
    project.inputs["image_name"] = "127.0.0.1:1/app:one"
    answer = project.run("up", "--yes", "--skip-preview")
    assert answer.status != 0
    assert "127.0.0.1:1" in answer.error


def test_an_engine_that_does_not_answer_is_told_at_preview(project: Project) -> None:
    project.variables["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    answer = project.run("preview")
    assert answer.status != 0
    assert "/nowhere/docker.sock" in answer.text


def test_destroying_the_stack_removes_no_image(project: Project) -> None:
    project.up()
    repository, digest = project.outputs()["repo_digest"].split("@")
    assert project.run("destroy", "--yes").status == 0
    assert httpx.head(manifest(repository, digest), headers=ACCEPT, timeout=10).status_code == 200
