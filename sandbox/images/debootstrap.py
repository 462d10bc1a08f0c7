"""Makes root file systems with mmdebstrap, once for each recipe."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.commands import run
from sandbox.errors import SandboxError
from sandbox.images.recipe import SUITE, Archive
from sandbox.paths import Paths

BUILD_SECONDS = 600.0
LOG_LINES_IN_AN_ERROR = 3
MEND = "check that this machine reaches Debian's package archive and has 2 GB of free disk, then run it again"
TARGETS = ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"]


def sources(targets: str) -> list[str]:
    """Return sources.list lines of the suite's own archives, from the lines that apt prints about its indices."""
    found = []
    for line in targets.splitlines():
        origin, address, release, component = line.split("|")
        if origin == "Debian" and component == "main" and release.partition("-")[0] == SUITE:
            found.append(f"deb {address} {release} {component}")
    return list(dict.fromkeys(found))


def apt_proxies(configuration: str) -> list[str]:
    """Return the lines of apt's configuration that lead it through proxies."""
    return [line for line in configuration.splitlines() if line.startswith("Acquire::http") and "::Proxy" in line]


def _written(file: Path, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [str(file)]


@dataclass(frozen=True)
class Debootstrap:
    """Turns an `Archive` into a tar file in the cache."""

    paths: Paths

    def file(self, archive: Archive) -> Path:
        """Where the file system of `archive` is kept."""
        return self.paths.cache / "images" / f"{archive.name}-{archive.key}.tar"

    def ensure(self, archive: Archive, progress: Callable[[str], None]) -> Path:
        """Make the tar file unless it is there; older ones of the same name are removed. Raises SandboxError."""
        file = self.file(archive)
        if file.exists():
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as directory:
            result = Path(directory) / file.name
            # Packages are unpacked below TMPDIR; /tmp is a small memory file system on some machines.
            command = self._command(archive, result, Path(directory))
            self._build(command, {"TMPDIR": directory}, archive.name, progress)
            result.rename(file)
        for older in file.parent.glob(f"{archive.name}-*.tar"):
            if older != file:
                older.unlink()
        return file

    def _command(self, archive: Archive, result: Path, directory: Path) -> list[str]:
        # Addresses of mirrors and proxies may hold passwords, so they are handed over in files.
        mirrors = sources(run([*TARGETS, "Created-By: Packages"], mend=MEND))
        proxies = apt_proxies(run(["apt-config", "dump", "--format", '%f "%v";%n'], mend=MEND))
        options = [f"path-exclude={path}" for path in archive.exclude]
        options += [f"path-include={path}" for path in archive.include]
        return [
            "mmdebstrap",
            f"--variant={archive.variant}",
            f"--include={','.join(archive.packages)}",
            *(f"--dpkgopt={option}" for option in (*options, "force-unsafe-io")),
            *(f"--aptopt={file}" for file in _written(directory / "proxy.conf", proxies)),
            SUITE,
            str(result),
            *_written(directory / "sources.list", mirrors),
        ]

    def _build(
        self, command: Sequence[str], environment: dict[str, str], name: str, progress: Callable[[str], None]
    ) -> None:
        log = self.paths.logs / f"image-{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **environment},
        )
        timer = threading.Timer(BUILD_SECONDS, process.terminate)
        timer.start()
        last: list[str] = []
        try:
            with log.open("w", encoding="utf-8") as file:
                for line in process.stdout or ():
                    file.write(line)
                    last = [*last, line.strip()][-LOG_LINES_IN_AN_ERROR:]
                    if line.startswith("I: "):
                        progress(f"{name}: {line[3:].strip()}")
            status = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.terminate()
                process.wait()
        if status != 0:
            raise SandboxError(f"the {name} image could not be made; see {log}", mend=MEND)
