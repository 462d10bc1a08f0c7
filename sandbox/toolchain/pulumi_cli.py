"""The Pulumi command line, in the version of the Python SDK: on PATH, downloaded, or built."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import Paths
from sandbox.toolchain.build import Toolchain
from sandbox.toolchain.children import Follow, follow
from sandbox.toolchain.downloads import Downloads

LANGUAGE_HOST = "pulumi-language-python"
ARCHIVE = "https://get.pulumi.com/releases/sdk/pulumi-v{version}-linux-{machine}.tar.gz"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
VERSION_SECONDS = 20.0
DOWNLOAD_SECONDS = 120.0
# The SDK's installer has no time-out of its own, so it runs as a child that can be ended.
INSTALLER = (
    "import sys; from pulumi.automation import PulumiCommand; from semver import VersionInfo; "
    "PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))"
)


@dataclass(frozen=True)
class PulumiCli:
    """A Pulumi command line. `language_host` is the Python host that came with it, if one did; `origin` is one line."""

    program: Path
    version: str
    origin: str
    language_host: Path | None


@dataclass
class PulumiFinder:
    """Finds the command line that a stack is run with."""

    paths: Paths
    toolchain: Toolchain
    downloads: Downloads
    follow: Follow = follow
    which: Callable[[str], str | None] = shutil.which
    version: str = importlib.metadata.version("pulumi")

    def find(self, progress: Callable[[str], None]) -> PulumiCli:
        """Return the command line of `version`; build it where it is neither there nor downloadable.

        Raises SandboxError.
        """
        return self._on_path() or self._downloaded(progress) or self._built(progress)

    def _on_path(self) -> PulumiCli | None:
        found = self.which("pulumi")
        if found is None:
            return None
        program = Path(found)
        host = self._language_host(program)
        if host is None or self._version_of(program) != self.version:
            return None
        return PulumiCli(program, self.version, f"pulumi {self.version} on PATH ({program})", host)

    def _downloaded(self, progress: Callable[[str], None]) -> PulumiCli | None:
        root = self.paths.tools / f"pulumi-official-{self.version}"
        program = root / "bin" / "pulumi"
        if not program.exists() and not self._download(root, progress):
            return None
        host = self._language_host(program)
        return PulumiCli(program, self.version, f"pulumi {self.version}, official download", host)

    def _download(self, root: Path, progress: Callable[[str], None]) -> bool:
        address = ARCHIVE.format(version=self.version, machine=MACHINES.get(platform.machine(), platform.machine()))
        progress("trying the official download")
        if not self.downloads.possible(address):
            return False
        progress(f"downloading pulumi {self.version}")
        partial = root.with_name(f".{root.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            status = self.follow(
                [sys.executable, "-c", INSTALLER, str(partial), self.version],
                directory=partial,
                environment={},
                seconds=DOWNLOAD_SECONDS,
                on_line=progress,
            )
            if status != 0 or not (partial / "bin" / "pulumi").exists():
                self.downloads.remember_failure(address)
                return False
            partial.rename(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return True

    def _built(self, progress: Callable[[str], None]) -> PulumiCli:
        tool = self.toolchain.ensure(["pulumi"], progress)[0]
        origin = f"pulumi {self.version}, built from its Go module (the official download cannot be reached)"
        return PulumiCli(tool.program, self.version, origin, None)

    def _language_host(self, program: Path) -> Path | None:
        for beside in (program.parent, program.resolve().parent):
            if (beside / LANGUAGE_HOST).exists():
                return beside / LANGUAGE_HOST
        found = self.which(LANGUAGE_HOST)
        return Path(found) if found else None

    def _version_of(self, program: Path) -> str:
        lines: list[str] = []
        try:
            status = self.follow(
                [str(program), "version"],
                directory=Path("/"),
                environment={"PULUMI_SKIP_UPDATE_CHECK": "true"},
                seconds=VERSION_SECONDS,
                on_line=lines.append,
            )
        except OSError:
            return ""
        return lines[-1].strip().removeprefix("v") if status == 0 and lines else ""
