"""Keys follow the recipes; the machine's way to package registries is carried over without being shown."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.images import catalogue
from sandbox.images.debootstrap import apt_proxies, sources
from sandbox.images.images import contents, reference
from sandbox.images.log_store import log_store
from sandbox.images.machine import BUNDLE, MachineSettings
from sandbox.images.making import tar_of
from sandbox.images.maven import Maven
from sandbox.images.recipe import Archive, Artifact, Recipe
from sandbox.images.watch_image import WatchImage
from sandbox.paths import REPOSITORY, Paths
from sandbox.world import World

ARCHIVE = Archive(name="base", variant="minbase", packages=("python3",))
RECIPE = Recipe(archive=ARCHIVE, lines=("USER 1",), files={"/etc/a": b"a"})
ARTIFACT = Artifact("org.example:server:1.0:zip", hashlib.sha256(b"server").hexdigest())
CREDENTIAL = "hush"
WATCHED = ("checks", "cluster", "concerns", "notify", "watch")


@pytest.mark.parametrize(
    "changed",
    [
        replace(ARCHIVE, packages=("python3", "curl")),
        replace(ARCHIVE, variant="extract"),
        replace(ARCHIVE, exclude=()),
        replace(ARCHIVE, include=()),
    ],
)
def test_a_changed_archive_has_another_key(changed: Archive) -> None:
    assert changed.key != ARCHIVE.key
    assert replace(RECIPE, archive=changed).key != RECIPE.key


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECIPE, lines=("USER 2",)),
        replace(RECIPE, files={"/etc/a": b"b"}),
        replace(RECIPE, files={"/etc/b": b"a"}),
        replace(RECIPE, artifacts={"/opt/server.zip": ARTIFACT}),
    ],
)
def test_a_changed_layer_has_another_key_and_the_same_archive(changed: Recipe) -> None:
    assert changed.key != RECIPE.key
    assert changed.archive.key == RECIPE.archive.key


def test_the_same_recipe_has_the_same_key_and_context() -> None:
    again = Recipe(archive=replace(ARCHIVE), lines=("USER 1",), files={"/etc/a": b"a"})
    assert reference(again) == reference(RECIPE)
    assert tar_of(contents(again)) == tar_of(contents(RECIPE))
    assert reference(RECIPE).startswith("localhost:5000/sandbox/base:")


def test_the_context_holds_the_files_where_the_dockerfile_copies_them() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(contents(RECIPE)))) as archive:
        assert archive.getnames() == ["Dockerfile", "files/etc/a"]
    assert RECIPE.dockerfile == f"FROM {ARCHIVE.tag}\nCOPY files/ /\nUSER 1\n"


def test_services_do_not_run_as_root() -> None:
    assert "USER 999:999" in catalogue.services().lines
    assert "USER 65534:65534" in log_store().lines


def test_an_artifact_is_downloaded_once_and_must_be_the_one_that_the_project_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run")
    given, asked = [b"server"], list[Sequence[str]]()

    def run(command: Sequence[str], *, mend: str, seconds: float) -> None:
        assert mend
        assert seconds > 0
        asked.append(command)
        (paths.cache / "maven" / "server-1.0.zip").write_bytes(given[0])

    monkeypatch.setattr("sandbox.images.maven.run", run)
    maven = Maven(paths)
    assert [maven.content(ARTIFACT, lambda _text: None) for _ in range(2)] == [b"server"] * 2
    assert len(asked) == 1
    assert f"-Dartifact={ARTIFACT.coordinates}" in asked[0]

    (paths.cache / "maven" / "server-1.0.zip").unlink()
    given[0] = b"another"
    with pytest.raises(SandboxError, match=r"has SHA-256 .*, and the project was made with "):
        maven.content(ARTIFACT, lambda _text: None)
    assert not (paths.cache / "maven" / "server-1.0.zip").exists(), "the next run downloads it again"


def test_the_watchs_image_has_a_new_name_where_a_file_or_its_base_is_another(tmp_path: Path) -> None:
    directory = tmp_path / "project"
    for name in WATCHED:
        shutil.copytree(REPOSITORY / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    world = World(Paths(cache=tmp_path / "cache", data=tmp_path / "data", run=tmp_path / "run"))
    image = WatchImage(world.engine, world.registry, "localhost:5000/base:1", directory)
    first = image.reference
    assert first.startswith("localhost:5000/release-manager-watch:")
    assert replace(image, base="localhost:5000/base:2").reference != first

    (directory / "watch" / "__pycache__").mkdir()
    (directory / "watch" / "__pycache__" / "plan.pyc").write_bytes(b"")
    assert image.reference == first
    assert "watch/requirements.txt" in image.files()
    (directory / "checks" / "verdict.py").write_text("", encoding="utf-8")
    assert image.reference != first


def machine(root: Path, environment: dict[str, str] | None = None) -> MachineSettings:
    return MachineSettings(environment={"HOME": "/root", **(environment or {})}, root=root)


def put(root: Path, name: str, text: str) -> None:
    file = root / name.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_a_machine_without_anything_special_adds_nothing(tmp_path: Path) -> None:
    assert machine(tmp_path).files() == {}
    assert machine(tmp_path).lines() == ()


def test_the_bundle_of_the_machine_is_trusted_in_the_image(tmp_path: Path) -> None:
    put(tmp_path, BUNDLE, "usual")
    put(tmp_path, "/opt/ca.pem", "custom")
    assert machine(tmp_path).files() == {BUNDLE: b"usual"}
    chosen = machine(tmp_path, {"PIP_CERT": "/opt/ca.pem"})
    assert chosen.files() == {BUNDLE: b"custom"}
    assert f"ENV PIP_CERT={BUNDLE}" in chosen.lines()


def test_another_bundle_makes_another_base_image_from_the_same_packages(tmp_path: Path) -> None:
    put(tmp_path, BUNDLE, "one")
    first = catalogue.base(machine(tmp_path))
    put(tmp_path, BUNDLE, "two")
    second = catalogue.base(machine(tmp_path))
    assert first.key != second.key
    assert first.archive.key == second.archive.key


def test_index_and_proxy_go_into_files_and_not_into_the_history(tmp_path: Path) -> None:
    put(tmp_path, "/etc/pip.conf", f"[global]\nindex-url = https://u:{CREDENTIAL}@index.example/simple\ntimeout = 5\n")
    environment = {"HTTPS_PROXY": f"http://u:{CREDENTIAL}@proxy.example", "PIP_TRUSTED_HOST": "index.example"}
    settings = machine(tmp_path, environment)
    recipe = catalogue.base(settings)
    pip = recipe.files["/etc/pip.conf"].decode()
    assert f"index-url = https://u:{CREDENTIAL}@index.example/simple" in pip
    assert f"proxy = http://u:{CREDENTIAL}@proxy.example" in pip
    assert "trusted-host = index.example" in pip
    assert "timeout" not in pip
    assert f'Acquire::https::Proxy "http://u:{CREDENTIAL}@proxy.example";' in (
        recipe.files["/etc/apt/apt.conf.d/80proxy"].decode()
    )
    assert CREDENTIAL not in recipe.dockerfile + reference(recipe)


def test_the_environment_goes_before_pips_files(tmp_path: Path) -> None:
    put(tmp_path, "/etc/pip.conf", "[global]\nindex-url = https://first.example\n")
    settings = machine(tmp_path, {"PIP_INDEX_URL": "https://second.example"})
    assert b"second.example" in settings.files()["/etc/pip.conf"]


def test_only_debians_own_archives_of_the_release_are_used() -> None:
    targets = """\
Debian|http://mirror.example/debian/|bookworm|main
Debian|http://mirror.example/debian/|bookworm|main
Debian|http://mirror.example/debian/|bookworm-updates|main
Debian|http://mirror.example/debian/|trixie|main
Debian|http://mirror.example/debian/|bookworm|contrib
Somebody|https://packages.example/apt/|bookworm|main
"""
    assert sources(targets) == [
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/debian/ bookworm-updates main",
    ]


def test_apts_proxies_are_used_and_nothing_else_of_its_configuration() -> None:
    configuration = 'APT::Architecture "amd64";\nAcquire::http::Proxy "http://proxy.example";\nAcquire::Retries "3";\n'
    assert apt_proxies(configuration) == ['Acquire::http::Proxy "http://proxy.example";']
