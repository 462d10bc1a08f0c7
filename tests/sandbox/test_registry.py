"""What is asked of the registry, and what is told of a busy port."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from sandbox.debian import DebianPackages
from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.processes import Processes
from sandbox.registry import ADDRESS, NAME, Registry

DIGEST = "sha256:" + "a" * 64


def registry(directory: Path, answer: int = 200) -> Registry:
    def handle(request: httpx.Request) -> httpx.Response:
        known = request.url.path == "/v2/sandbox/base/manifests/1" and "manifest.v2+json" in request.headers["Accept"]
        status = answer if known or answer >= 500 else 404
        return httpx.Response(status, headers={"Docker-Content-Digest": DIGEST})

    paths = Paths(cache=directory / "cache", data=directory / "data", run=directory / "run")
    return Registry(paths, DebianPackages(paths), Processes(paths), transport=httpx.MockTransport(handle))


def test_a_tag_that_is_there_has_a_digest(tmp_path: Path) -> None:
    assert registry(tmp_path).digest("sandbox/base", "1") == DIGEST
    assert registry(tmp_path).exists(f"{NAME}/sandbox/base:1")


def test_a_tag_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert registry(tmp_path).digest("sandbox/base", "2") is None
    assert not registry(tmp_path).exists(f"{NAME}/sandbox/other:1")


def test_a_broken_registry_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        registry(tmp_path, answer=503).exists(f"{NAME}/sandbox/base:1")


def test_images_may_be_deleted_and_only_this_machine_is_served(tmp_path: Path) -> None:
    config = registry(tmp_path).config()
    assert config["http"] == {"addr": f"{ADDRESS}:5000"}
    storage = config["storage"]
    assert isinstance(storage, dict)
    assert storage["delete"] == {"enabled": True}
    assert storage["filesystem"] == {"rootdirectory": str(tmp_path / "data" / "registry")}


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    listening = "  0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1 0 100 0 0 10 0"
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "net" / "tcp").write_text(f"header\n{listening}\n", encoding="ascii")
    with pytest.raises(SandboxError, match=r"port 5000 on 127\.0\.0\.1, which the image registry needs, is taken"):
        replace(registry(tmp_path), proc=tmp_path / "proc").start(lambda _: None)
    assert not (tmp_path / "data").exists()
