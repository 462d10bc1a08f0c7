"""Definitions of kinds of objects that a Go module brings along, as files in the user's cache."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.toolchain.build import MODULES
from sandbox.toolchain.children import Follow, follow
from sandbox.toolchain.go import Go

DOWNLOAD_SECONDS = 600.0


@dataclass(frozen=True)
class DefinitionFiles:
    """Copies the definitions into the user's cache once. `module` is where the go.mod is that pins their version.

    They are the files of `GROUP` in directory `INSIDE` of the Go module `MODULE`; the cache calls them `NAME`.
    """

    paths: Paths
    follow: Follow = follow
    which: Callable[[str], str | None] = shutil.which
    module: Path = MODULES

    NAME: ClassVar[str]
    MODULE: ClassVar[str]
    INSIDE: ClassVar[Path]
    GROUP: ClassVar[str]

    @property
    def version(self) -> str:
        """The version that go.mod pins, with its leading v. Raises SandboxError."""
        file = self.module / "go.mod"
        match = re.search(rf"^\s*{re.escape(self.MODULE)} (v\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        if match is None:
            raise SandboxError(f"{file} does not pin {self.MODULE}", mend=f"git checkout {file}")
        return match.group(1)

    @property
    def directory(self) -> Path:
        """Where the definitions are, one file each; it is there after `ensure`."""
        return self.paths.tools / f"{self.NAME}-{self.version}"

    def ensure(self) -> Path:
        """Return the directory, with the definitions in it. Raises SandboxError."""
        if self.directory.exists():
            return self.directory
        go = Go.find(self.follow, self.which)
        # Whoever has built the tool has the module; its checksum is that of go.sum.
        go.lines(["mod", "download", self.MODULE], self.module, seconds=DOWNLOAD_SECONDS)
        source = Path(go.lines(["list", "-m", "-f", "{{.Dir}}", self.MODULE], self.module)[-1]) / self.INSIDE
        partial = self.directory.with_name(f".{self.directory.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True)
            for file in sorted(source.glob(f"{self.GROUP}_*.yaml")):
                shutil.copyfile(file, partial / file.name)
            partial.rename(self.directory)
        except OSError as error:
            raise SandboxError(
                f"{partial} cannot be written: {error}", mend=f"see who owns {self.paths.tools}, then run it again"
            ) from error
        return self.directory
