"""The Go toolchain: where it is, whether it is new enough, and what its failures mean."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.toolchain.children import TIMED_OUT, Follow

USUAL_PLACE = Path("/usr/local/go/bin/go")
SHORT_SECONDS = 120.0
# Modules are read-only so that a build never edits go.mod; without cgo no C compiler is needed.
ENVIRONMENT: Mapping[str, str] = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
INSTALL = "install it from https://go.dev/dl (or apt-get install golang-go where that is new enough)"
NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|connection reset|i/o timeout|TLS handshake|proxyconnect|"
    r"server misbehaving|network is unreachable|context deadline exceeded|unexpected EOF|: 5\d\d |: 40[34] ",
)
FULL_DISK = re.compile(r"no space left on device", re.IGNORECASE)


@dataclass(frozen=True)
class Go:
    """One Go installation."""

    program: Path
    follow: Follow

    @classmethod
    def find(cls, follow: Follow, which: Callable[[str], str | None] = shutil.which) -> Go:
        """Return the Go on PATH, or the one in its usual place. Raises SandboxError if there is none."""
        found = which("go")
        if found is None and USUAL_PLACE.exists():
            found = str(USUAL_PLACE)
        if found is None:
            raise SandboxError("Go is not on this machine, and a program has to be built with it", mend=INSTALL)
        return cls(Path(found), follow)

    def version(self, module: Path) -> str:
        """Return what `go version` says in `module`. Raises SandboxError if it is older than its go.mod asks."""
        lines = self.lines(["version"], module)
        version = lines[-1] if lines else ""
        needed = required_version(module)
        if release(version) < release(f"go{needed}"):
            raise SandboxError(f"'{version}' is too old: {module / 'go.mod'} needs Go {needed}", mend=INSTALL)
        return version

    def lines(self, arguments: Iterable[str], module: Path, *, seconds: float = SHORT_SECONDS) -> list[str]:
        """Run a go command in `module` and return its lines. Raises SandboxError."""
        lines: list[str] = []
        self.run(arguments, module, seconds=seconds, on_line=lines.append)
        return lines

    def run(self, arguments: Iterable[str], module: Path, *, seconds: float, on_line: Callable[[str], None]) -> None:
        """Run a go command in `module`, handing on its lines. Raises SandboxError with the reason in one line."""
        command = [str(self.program), *arguments]
        seen: list[str] = []

        def take(line: str) -> None:
            seen.append(line)
            on_line(line)

        try:
            status = self.follow(command, directory=module, environment=ENVIRONMENT, seconds=seconds, on_line=take)
        except OSError as error:
            raise SandboxError(f"'{command[0]}' cannot be run: {error}", mend=INSTALL) from error
        if status == TIMED_OUT:
            raise SandboxError(
                f"'{' '.join(command[:2])}' did not end within {seconds:.0f} s",
                mend="run the same command again: what was compiled so far is kept",
            )
        if status != 0:
            raise explained(command, seen, module)


def required_version(module: Path) -> str:
    """Return the version on the `go` line of a module's go.mod."""
    match = re.search(r"^go (\S+)", (module / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    return match.group(1) if match else "1.21"


def release(text: str) -> tuple[int, ...]:
    """Return the numbers of the first Go version in `text`, for comparison."""
    match = re.search(r"go(\d+(?:\.\d+)*)", text)
    numbers = tuple(int(part) for part in match.group(1).split(".")) if match else (0,)
    return (*numbers, 0, 0)[:3]


def explained(command: list[str], lines: list[str], module: Path) -> SandboxError:
    """Return the error for a failed go command, with a mend that fits its cause."""
    shown = " ".join(["go", *command[1:2]])
    for line in lines:
        if FULL_DISK.search(line):
            return full_disk(line.strip())
    for line in reversed(lines):
        if NETWORK.search(line):
            return SandboxError(
                f"'{shown}' cannot download a module: {line.strip()}",
                mend="see that this machine reaches the module proxy that 'go env GOPROXY' names, then run it again",
            )
    if any("missing go.sum entry" in line or "updates to go.mod needed" in line for line in lines):
        return SandboxError(
            f"{module / 'go.sum'} does not fit its go.mod", mend=f"git checkout {module / 'go.mod'} {module / 'go.sum'}"
        )
    last = "; ".join(line.strip() for line in lines[-3:]) or "it printed nothing"
    return SandboxError(f"'{shown}' in {module} failed: {last}", mend="read the log of the build, then run it again")


def full_disk(detail: str) -> SandboxError:
    """Return the error for a disk without room."""
    return SandboxError(
        f"the disk is full: {detail}", mend="free some gigabytes (go clean -cache frees Go's own), then run it again"
    )
