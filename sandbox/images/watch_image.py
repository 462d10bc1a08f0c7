"""The image of the Job that watches a release (watch/Dockerfile), from the project's own files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from sandbox.docker_engine import DockerEngine
from sandbox.errors import SandboxError
from sandbox.images.making import build_and_push, speaking_to
from sandbox.images.recipe import digest
from sandbox.paths import REPOSITORY
from sandbox.registry import NAME, Registry

DIRECTORIES = ("checks", "cluster", "concerns", "notify", "watch")
SUFFIXES = frozenset({".py", ".txt"})
DOCKERFILE = "watch/Dockerfile"
SHOWN = "watch"


@dataclass(frozen=True)
class WatchImage:
    """Made from the files as they are in `directory`, on the image `base`."""

    engine: DockerEngine
    registry: Registry
    base: str
    directory: Path = REPOSITORY

    @property
    def reference(self) -> str:
        """Its name in the sandbox's registry; other files, or another base, have another."""
        files = {name: hashlib.sha256(content).hexdigest() for name, content in self.files().items()}
        return f"{NAME}/release-manager-watch:{digest({'base': self.base, 'files': files})}"

    def files(self) -> Mapping[str, bytes]:
        """Return what it is built from, by the names in the project."""
        found = [
            file
            for name in DIRECTORIES
            for file in sorted((self.directory / name).rglob("*"))
            if file.suffix in SUFFIXES and file.is_file()
        ]
        found.append(self.directory / DOCKERFILE)
        return {file.relative_to(self.directory).as_posix(): file.read_bytes() for file in found}

    def ensure(self, progress: Callable[[str], None]) -> str:
        """Build and push it where the registry has it not; return one closing line. Raises SandboxError."""
        image = self.reference
        try:
            if self.registry.exists(image):
                return f"{image} is there"
        except httpx.HTTPError as error:
            raise SandboxError(f"the image registry at {NAME} does not answer: {error}", mend="make up") from error
        self.make(image, progress)
        return f"made {image}"

    def make(self, image: str, progress: Callable[[str], None]) -> None:
        """Build and push it as `image` (repository:tag). Raises SandboxError."""
        progress(f"{SHOWN}: building {image}")
        with speaking_to(self.engine, SHOWN) as client:
            build_and_push(
                client,
                image,
                self.files(),
                SHOWN,
                progress,
                dockerfile=DOCKERFILE,
                arguments={"BASE_IMAGE": self.base},
            )
