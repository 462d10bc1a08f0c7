"""Imports, layers and pushes the sandbox's images."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import docker
import httpx
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from sandbox.docker_engine import DockerEngine
from sandbox.errors import SandboxError
from sandbox.images import catalogue
from sandbox.images.debootstrap import Debootstrap
from sandbox.images.machine import MachineSettings
from sandbox.images.recipe import Recipe
from sandbox.registry import NAME, Registry

MEBIBYTE = 2**20


def reference(recipe: Recipe) -> str:
    """Return the image's name in the sandbox's registry."""
    return f"{NAME}/sandbox/{recipe.name}:{recipe.key}"


def context(recipe: Recipe) -> bytes:
    """Return the build context of the recipe's layer as a tar archive, the same bytes for the same recipe."""
    contents = {"Dockerfile": recipe.dockerfile.encode()}
    contents |= {f"files{path}": content for path, content in sorted(recipe.files.items())}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@dataclass(frozen=True)
class Images:
    """Makes the images that are missing in the registry."""

    debootstrap: Debootstrap
    engine: DockerEngine
    registry: Registry
    machine: MachineSettings = field(default_factory=MachineSettings.here)

    @property
    def base(self) -> str:
        """Reference of the base image of applications."""
        return reference(catalogue.base(self.machine))

    @property
    def services(self) -> str:
        """Reference of the backing services' image."""
        return reference(catalogue.services())

    def ensure(self, progress: Callable[[str], None]) -> str:
        """Make and push what the registry lacks, both images at once. Return one closing line.

        Raises SandboxError if the package archive, the engine or the registry fails.
        """
        recipes = (catalogue.base(self.machine), catalogue.services())
        try:
            missing = [recipe for recipe in recipes if not self.registry.exists(reference(recipe))]
            with ThreadPoolExecutor(max_workers=len(recipes)) as pool:
                for _ in pool.map(lambda recipe: self._make(recipe, progress), missing):
                    continue
        except httpx.HTTPError as error:
            raise SandboxError(f"the image registry at {NAME} does not answer: {error}", mend="make up") from error
        names = ", ".join(recipe.name for recipe in missing)
        return f"made {names}" if missing else "all present"

    def _make(self, recipe: Recipe, progress: Callable[[str], None]) -> None:
        file = self.debootstrap.ensure(recipe.archive, progress)
        try:
            client = self.engine.client()
            try:
                if not _has(client, recipe.archive.tag):
                    progress(f"{recipe.name}: importing {file.stat().st_size // MEBIBYTE} MiB")
                    repository, _, tag = recipe.archive.tag.rpartition(":")
                    client.api.import_image_from_file(str(file), repository=repository, tag=tag)
                progress(f"{recipe.name}: adding its settings")
                client.images.build(
                    fileobj=io.BytesIO(context(recipe)), custom_context=True, tag=reference(recipe), rm=True
                )
                self._push(client, recipe, progress)
            finally:
                client.close()
        except (DockerException, RequestException) as error:
            raise SandboxError(
                f"the Docker engine at {self.engine.host} could not make the {recipe.name} image: {_reason(error)}",
                mend="read the engine's log (make status names it), then run the same command again",
            ) from error

    @staticmethod
    def _push(client: docker.DockerClient, recipe: Recipe, progress: Callable[[str], None]) -> None:
        repository, _, tag = reference(recipe).rpartition(":")
        events: Iterator[Mapping[str, Any]] = client.api.push(repository, tag=tag, stream=True, decode=True)
        for event in events:
            if "error" in event:
                raise DockerException(f"push of {repository}:{tag}: {event['error']}")
            detail = event.get("progressDetail") or {}
            if "current" in detail:
                progress(f"{recipe.name}: pushing, {detail['current'] // MEBIBYTE} MiB")


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, BuildError):
        return str(error.msg)
    if isinstance(error, APIError):
        return str(error.explanation)
    return str(error)
