"""What an image is made from, and the key that changes with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

SUITE = "bookworm"
KEY_LENGTH = 12
NOBODY_ID = 65534

# Nobody reads manuals in a container; the licences stay.
DOCUMENTATION = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bash-completion/*",
)
LICENCES = "/usr/share/doc/*/copyright"


@dataclass(frozen=True)
class Archive:
    """A root file system of Debian packages.

    `variant` is mmdebstrap's: `minbase` configures the packages, `extract` only unpacks them and their dependencies.
    Paths that match `exclude` are left out unless they match `include`.
    """

    name: str
    variant: str
    packages: tuple[str, ...]
    exclude: tuple[str, ...] = DOCUMENTATION
    include: tuple[str, ...] = (LICENCES,)

    @property
    def key(self) -> str:
        """Short hash of everything that decides what is in it."""
        return digest({"suite": SUITE, **asdict(self)})

    @property
    def tag(self) -> str:
        """Name of the bare file system in the engine; it is not pushed."""
        return f"sandbox/{self.name}-packages:{self.key}"


@dataclass(frozen=True)
class Artifact:
    """A file of Maven Central: `coordinates` are group:name:version:kind, `sha256` is the digest that it must have."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name under which Maven leaves it."""
        _, name, version, kind = self.coordinates.split(":")
        return f"{name}-{version}.{kind}"


@dataclass(frozen=True)
class Recipe:
    """An archive with one layer above it: files by their absolute path, and the lines of its Dockerfile.

    `artifacts` are files too, which are downloaded only where the image has to be made.
    `programs` are tools of the toolchain, by the same paths; the directory of each is named after all that decides what
    is in it. `own_name` is for an image that shares its archive with another one.
    """

    archive: Archive
    lines: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    programs: Mapping[str, Path] = field(default_factory=dict)
    own_name: str = ""

    @property
    def name(self) -> str:
        """Last part of the image's repository."""
        return self.own_name or self.archive.name

    @property
    def key(self) -> str:
        """Short hash of everything that decides what is in the image."""
        files = {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}
        files |= {path: artifact.sha256 for path, artifact in self.artifacts.items()}
        files |= {path: program.parent.name for path, program in self.programs.items()}
        return digest({"archive": self.archive.key, "lines": self.lines, "files": files})

    @property
    def dockerfile(self) -> str:
        """The layer's Dockerfile, for a build context that holds the files below `files/`."""
        copies = ["COPY files/ /"] if self.files or self.artifacts or self.programs else []
        return "\n".join([f"FROM {self.archive.tag}", *copies, *self.lines, ""])


def digest(value: object) -> str:
    """Return the first characters of the SHA-256 of `value` as canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]
