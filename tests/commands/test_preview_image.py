"""The SQL of a change is shown before anything of it is released: by an image that can never be taken for a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from commands.preview_image import preview_image
from evidence.git import Revision, read_revision
from evidence.image import built_before
from settings import Settings
from tests.evidence.checkouts import commit, git
from tests.stack_values import settings_of

DIGEST = "sha256:" + "1" * 64
PASSWORD = "not-a-real-password"


@dataclass
class RegistryStandIn:
    """Knows a tag once it was pushed."""

    repository: str = "registry.example/app"
    tags: dict[str, str] = field(default_factory=dict)

    def digest(self, tag: str) -> str | None:
        return self.tags.get(tag)


@dataclass
class DockerStandIn:
    registry: RegistryStandIn
    fails: str = ""
    calls: list[tuple[list[str], str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str], given: str, variables: Mapping[str, str]) -> tuple[int, str]:
        self.calls.append((list(arguments), given, dict(variables)))
        if arguments[0] == self.fails:
            return 1, "no space left on device"
        if arguments[0] == "push":
            self.registry.tags[arguments[1].rpartition(":")[2]] = DIGEST
        return 0, ""


@pytest.fixture
def revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Revision:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    return read_revision(tmp_path / "app")


@pytest.fixture
def wanted(revision: Revision) -> Settings:  # noqa: ARG001  (in its checkout)
    image = {"repository": "registry.example/app", "context": "app", "build_args": {"BASE_IMAGE": "base"}}
    return settings_of(image={**image, "registry": None})


def test_it_is_built_from_the_commit_and_pushed_under_a_tag_of_no_release(wanted: Settings, revision: Revision) -> None:
    docker = DockerStandIn(RegistryStandIn())

    found = preview_image(wanted, revision, docker.registry, docker)  # type: ignore[arg-type]

    assert found == f"registry.example/app@{DIGEST}"
    build, push = (arguments for arguments, _, _ in docker.calls)
    name = f"registry.example/app:preview-{revision.short}"
    assert (build[:3], push) == (["build", "--tag", name], ["push", name])
    assert build[-1] == f".release/{revision.sha}/app"
    assert {"BASE_IMAGE=base", f"REVISION={revision.sha}"} <= set(build)


def test_it_is_built_once(wanted: Settings, revision: Revision) -> None:
    docker = DockerStandIn(RegistryStandIn(tags={f"preview-{revision.short}": DIGEST}))
    assert preview_image(wanted, revision, docker.registry, docker).endswith(DIGEST)  # type: ignore[arg-type]
    assert docker.calls == []


def test_the_sign_in_is_no_argument_and_does_not_stay(wanted: Settings, revision: Revision) -> None:
    sign_in = {"server": "registry.example", "username": "ci", "password": PASSWORD}
    settings = settings_of(image={**wanted.image.model_dump(), "registry": sign_in})
    docker = DockerStandIn(RegistryStandIn())

    preview_image(settings, revision, docker.registry, docker)  # type: ignore[arg-type]

    arguments, given, variables = docker.calls[0]
    assert (arguments[0], given) == ("login", PASSWORD)
    assert PASSWORD not in str([each for each, _, _ in docker.calls])
    assert not Path(variables["DOCKER_CONFIG"]).exists()


@pytest.mark.parametrize("what", ["build", "push"])
def test_what_docker_says_is_told(wanted: Settings, revision: Revision, what: str) -> None:
    docker = DockerStandIn(RegistryStandIn(), fails=what)
    with pytest.raises(ClusterError, match=f"docker {what} ended with status 1: no space left"):
        preview_image(wanted, revision, docker.registry, docker)  # type: ignore[arg-type]
    assert built_before(docker.registry, f"preview-{revision.short}") is None  # type: ignore[arg-type]
