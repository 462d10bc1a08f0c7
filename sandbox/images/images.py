"""Imports, layers and pushes the sandbox's images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import docker
import httpx
from docker.errors import ImageNotFound

from sandbox.docker_engine import DockerEngine
from sandbox.errors import SandboxError
from sandbox.images import catalogue
from sandbox.images.debootstrap import Debootstrap
from sandbox.images.log_store import log_store
from sandbox.images.machine import MachineSettings
from sandbox.images.making import MEBIBYTE, build_and_push, speaking_to
from sandbox.images.maven import Maven
from sandbox.images.recipe import Recipe
from sandbox.registry import NAME, Registry


def reference(recipe: Recipe) -> str:
    """Return the image's name in the sandbox's registry."""
    return f"{NAME}/sandbox/{recipe.name}:{recipe.key}"


def contents(recipe: Recipe, artifacts: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the files of the build context of the recipe's layer; `artifacts` are the recipe's, downloaded."""
    programs = {path: program.read_bytes() for path, program in recipe.programs.items()}
    files = sorted({**recipe.files, **programs, **(artifacts or {})}.items())
    return {"Dockerfile": recipe.dockerfile.encode(), **{f"files{path}": content for path, content in files}}


@dataclass(frozen=True)
class Images:
    """Makes the images that are missing in the registry."""

    debootstrap: Debootstrap
    engine: DockerEngine
    registry: Registry
    maven: Maven
    machine: MachineSettings = field(default_factory=MachineSettings.here)

    @property
    def base(self) -> str:
        """Reference of the base image of applications."""
        return reference(catalogue.base(self.machine))

    @property
    def services(self) -> str:
        """Reference of the backing services' image."""
        return reference(catalogue.services())

    @property
    def log_store(self) -> str:
        """Reference of the log store's image."""
        return reference(log_store())

    def ensure(self, progress: Callable[[str], None], *, with_log_store: bool = False) -> str:
        """Make and push what the registry lacks, all images at once. Return one closing line.

        Raises SandboxError if the package archive, the engine or the registry fails.
        """
        recipes = [catalogue.base(self.machine), catalogue.services(), *([log_store()] if with_log_store else [])]
        return self.make(recipes, progress)

    def make(self, recipes: Sequence[Recipe], progress: Callable[[str], None]) -> str:
        """Make and push those of `recipes` that the registry lacks. Return one closing line. Raises SandboxError."""
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
        artifacts = {path: self.maven.content(each, progress) for path, each in recipe.artifacts.items()}
        with speaking_to(self.engine, recipe.name) as client:
            if not _has(client, recipe.archive.tag):
                progress(f"{recipe.name}: importing {file.stat().st_size // MEBIBYTE} MiB")
                repository, _, tag = recipe.archive.tag.rpartition(":")
                client.api.import_image_from_file(str(file), repository=repository, tag=tag)
            progress(f"{recipe.name}: adding its settings")
            programs = {f"files{path}" for path in recipe.programs}
            files = contents(recipe, artifacts)
            build_and_push(client, reference(recipe), files, recipe.name, progress, programs=programs)


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True
