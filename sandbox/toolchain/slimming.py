"""Builds a tool without a part of one of its modules that the sandbox never uses."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.toolchain.go import Go

DOWNLOAD_SECONDS = 600.0


@dataclass(frozen=True)
class Slimming:
    """In module `module`, file `file` is replaced by our `stand_in`, which lies beside our go.mod.

    Go takes no replacement of a single file in its module cache, so the module is copied and go.mod points there.
    """

    module: str
    file: str
    stand_in: str

    def apply(self, go: Go, directory: Path, work: Path) -> list[str]:
        """Make the copy in `work` and return the flags that build with it. Raises SandboxError.

        `directory` is that of our go.mod. The versions and the checksums of everything else stay as they are pinned.
        """
        go.lines(["mod", "download", self.module], directory, seconds=DOWNLOAD_SECONDS)
        source = Path(go.lines(["list", "-m", "-f", "{{.Dir}}", self.module], directory)[-1])
        copy = work / "slimmed"
        # Its files only: those of the module cache are read-only, and so would the copy be.
        shutil.copytree(source, copy, copy_function=shutil.copyfile)
        for place in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
            place.chmod(0o755)
        if not (copy / self.file).is_file():
            raise SandboxError(
                f"{self.module} has no file {self.file} any more", mend=f"git checkout {directory / 'go.mod'}"
            )
        shutil.copyfile(directory / self.stand_in, copy / self.file)
        text = (directory / "go.mod").read_text(encoding="utf-8")
        (work / "go.mod").write_text(f"{text}\nreplace {self.module} => {copy}\n", encoding="utf-8")
        shutil.copyfile(directory / "go.sum", work / "go.sum")
        return [f"-modfile={work / 'go.mod'}"]
