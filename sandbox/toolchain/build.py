"""Builds the tools that a stack needs, each once, into the user's cache."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.toolchain.children import Follow, follow
from sandbox.toolchain.go import ENVIRONMENT, Go, full_disk
from sandbox.toolchain.slimming import Slimming

MODULES = Path(__file__).resolve().parent
BUILD_SECONDS = 40 * 60.0
LIST_SECONDS = 20 * 60.0
GIGABYTE = 1024**3
# Measured: the modules and the compiled packages of one cold build.
COLD_BUILD_BYTES = 6 * GIGABYTE
# Linking alone, with every package compiled.
WARM_BUILD_BYTES = GIGABYTE
KEY_LENGTH = 16
FLAGS = ("-trimpath", "-buildvcs=false")
OPERATOR = "github.com/prometheus-operator/prometheus-operator"


@dataclass(frozen=True)
class Tool:
    """One program: the Go module of ours that pins it, its package, and the module that its version comes from.

    `{version}` in `linker` stands for the version that go.mod pins. `slimming` leaves out a part that is not used.
    """

    name: str
    module: str
    package: str
    version_of: str
    linker: str = "-s -w"
    slimming: Slimming | None = None


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "pulumi",
            module="pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            version_of="github.com/pulumi/pulumi/pkg/v3",
            linker="-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",
        ),
        Tool(
            "kubernetes",
            module="kubernetes",
            package="./cmd/kubernetes",
            version_of="k8s.io/kubernetes",
            linker="-s -w -X k8s.io/component-base/version.gitVersion={version}",
        ),
        Tool(
            "actionlint",
            module="actionlint",
            package="github.com/rhysd/actionlint/cmd/actionlint",
            version_of="github.com/rhysd/actionlint",
        ),
        Tool(
            "gofakes3",
            module="gofakes3",
            package="github.com/johannesboyne/gofakes3/cmd/gofakes3",
            version_of="github.com/johannesboyne/gofakes3",
        ),
        Tool(
            "coredns",
            module="kubernetes",
            package="./cmd/coredns",
            version_of="github.com/coredns/coredns",
        ),
        Tool(
            "traefik",
            module="kubernetes",
            package="github.com/traefik/traefik/v3/cmd/traefik",
            version_of="github.com/traefik/traefik/v3",
            linker="-s -w -X github.com/traefik/traefik/v3/pkg/version.Version={version}",
            slimming=Slimming(
                module="github.com/go-acme/lego/v4",
                file="providers/dns/zz_gen_dns_providers.go",
                stand_in="dns_providers.go.txt",
            ),
        ),
        Tool(
            "prometheus-operator",
            module="operator",
            package=f"{OPERATOR}/cmd/operator",
            version_of=OPERATOR,
        ),
        Tool(
            "prometheus-config-reloader",
            module="operator",
            package=f"{OPERATOR}/cmd/prometheus-config-reloader",
            version_of=OPERATOR,
        ),
        # Debian builds its Prometheus without Kubernetes' discovery, which is all that the operator configures.
        Tool(
            "prometheus",
            module="operator",
            package="github.com/prometheus/prometheus/cmd/prometheus",
            version_of="github.com/prometheus/prometheus",
            slimming=Slimming(
                module="github.com/prometheus/prometheus",
                file="plugins/plugins.go",
                stand_in="prometheus_plugins.go.txt",
            ),
        ),
        Tool(
            "vegeta",
            module="vegeta",
            package="github.com/tsenart/vegeta/v12",
            version_of="github.com/tsenart/vegeta/v12",
            linker="-s -w -X main.Version={version}",
        ),
    )
}


@dataclass(frozen=True)
class Built:
    """A tool that is there: its program, version, and whether this run built it."""

    name: str
    program: Path
    version: str
    fresh: bool


@dataclass
class Toolchain:
    """Builds tools. `modules` is where their Go modules are; `free_bytes` tells the room on a path's disk."""

    paths: Paths
    follow: Follow = follow
    which: Callable[[str], str | None] = shutil.which
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    modules: Path = MODULES
    _go: Go | None = field(default=None, init=False)

    def ensure(self, names: Iterable[str], progress: Callable[[str], None]) -> list[Built]:
        """Return the named tools, building the ones that are not there. Raises SandboxError."""
        return [self._ensure(_tool(name), progress) for name in names]

    def key(self, tool: Tool) -> str:
        """Return the hash of all that decides what a build of `tool` yields. Raises SandboxError without Go."""
        module = self.modules / tool.module
        sources = [module / "go.mod", module / "go.sum", *sorted(module.rglob("*.go"))]
        if tool.slimming is not None:
            sources.append(module / tool.slimming.stand_in)
        total = hashlib.sha256()
        for source in sources:
            total.update(f"{source.relative_to(module)}\0".encode() + source.read_bytes() + b"\0")
        options = [*FLAGS, tool.linker, tool.package, *(f"{key}={value}" for key, value in ENVIRONMENT.items())]
        total.update("\0".join([self._toolchain().version(module), *options]).encode())
        return total.hexdigest()[:KEY_LENGTH]

    def version(self, tool: Tool) -> str:
        """Return the version of `tool` that its go.mod pins, with its leading v. Raises SandboxError."""
        file = self.modules / tool.module / "go.mod"
        pattern = rf"^\s*(?:require\s+)?{re.escape(tool.version_of)} (v\S+)"
        match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
        if match is None:
            raise SandboxError(f"{file} does not pin {tool.version_of}", mend=f"git checkout {file}")
        return match.group(1)

    def _ensure(self, tool: Tool, progress: Callable[[str], None]) -> Built:
        directory = self.paths.tools / f"{tool.name}-{self.key(tool)}"
        built = Built(tool.name, directory / tool.name, self.version(tool), fresh=False)
        if built.program.exists():
            return built
        with self._lock(progress):
            if built.program.exists():
                return built
            self._build(tool, directory, progress)
            self._remove_others(tool, directory)
        return Built(tool.name, built.program, built.version, fresh=True)

    def _build(self, tool: Tool, directory: Path, progress: Callable[[str], None]) -> None:
        go = self._toolchain()
        module = self.modules / tool.module
        partial = directory.with_name(f".{directory.name}.partial")
        work = directory.with_name(f".{directory.name}.work")
        for left in (partial, work):
            shutil.rmtree(left, ignore_errors=True)
        linker = tool.linker.format(version=self.version(tool))
        self.paths.logs.mkdir(parents=True, exist_ok=True)
        try:
            partial.mkdir()
            work.mkdir()
            with (self.paths.logs / f"build-{tool.name}.log").open("w", encoding="utf-8") as log:
                self._room(go, module, WARM_BUILD_BYTES)
                flags = [*FLAGS, *(tool.slimming.apply(go, module, work) if tool.slimming else [])]
                total, missing = self._packages(go, tool, flags, log, progress)
                self._room(go, module, WARM_BUILD_BYTES + COLD_BUILD_BYTES * missing // max(total, 1))
                output = ["-o", str(partial / tool.name)]
                arguments = ["build", "-v", *flags, "-ldflags", linker, *output, tool.package]
                count = Counter(f"compiling {tool.name}", missing, log, progress)
                go.run(arguments, module, seconds=BUILD_SECONDS, on_line=count.take)
            partial.rename(directory)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise full_disk(str(error)) from error
            raise SandboxError(
                f"{partial} cannot be written: {error}", mend=f"see who owns {self.paths.tools}, then run it again"
            ) from error
        finally:
            for left in (partial, work):
                shutil.rmtree(left, ignore_errors=True)

    def _packages(
        self, go: Go, tool: Tool, flags: Iterable[str], log: IO[str], progress: Callable[[str], None]
    ) -> tuple[int, int]:
        """Download what is missing; return how many packages the tool has and how many are still to be compiled."""
        state = {"downloaded": 0, "packages": 0, "missing": 0}

        def take(line: str) -> None:
            log.write(f"{line}\n")
            kind, _, rest = line.partition(" ")
            if line.startswith("go: downloading "):
                state["downloaded"] += 1
                progress(f"modules of {tool.name}: {state['downloaded']} downloaded")
            elif kind == "package":
                state["packages"] += 1
                state["missing"] += bool(rest) and "available in build cache" not in rest

        template = "package {{if .Stale}}{{.StaleReason}}{{end}}"
        arguments = ["list", "-deps", *flags, "-f", template, tool.package]
        go.run(arguments, self.modules / tool.module, seconds=LIST_SECONDS, on_line=take)
        return state["packages"], state["missing"]

    def _room(self, go: Go, module: Path, needed: int) -> None:
        """Raise SandboxError unless Go's caches and ours have `needed` bytes left."""
        caches = [Path(line) for line in go.lines(["env", "GOCACHE", "GOMODCACHE"], module) if line.startswith("/")]
        for place in [self.paths.tools, *caches]:
            existing = next(parent for parent in (place, *place.parents) if parent.exists())
            free = self.free_bytes(existing)
            if free < needed:
                raise full_disk(
                    f"{place} has {free / GIGABYTE:.1f} GB left and the build needs {needed / GIGABYTE:.1f} GB"
                )

    def _remove_others(self, tool: Tool, kept: Path) -> None:
        pattern = re.compile(rf"{re.escape(tool.name)}-[0-9a-f]{{{KEY_LENGTH}}}")
        for other in self.paths.tools.iterdir():
            if other != kept and pattern.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)

    def _toolchain(self) -> Go:
        if self._go is None:
            self._go = Go.find(self.follow, self.which)
        return self._go

    @contextmanager
    def _lock(self, progress: Callable[[str], None]) -> Iterator[None]:
        """Let one build run at a time; wait for another one at most as long as a build may take."""
        self.paths.tools.mkdir(parents=True, exist_ok=True)
        deadline = self.clock() + BUILD_SECONDS
        with (self.paths.tools / ".lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if self.clock() > deadline:
                        raise SandboxError(
                            f"another build has held {lock.name} for {BUILD_SECONDS / 60:.0f} min",
                            mend="wait for it or end it, then run the same command again",
                        ) from error
                    progress("waiting for another build to end")
                    self.sleep(1.0)
            yield


@dataclass
class Counter:
    """Counts the packages that a build prints as it compiles them."""

    doing: str
    total: int
    log: IO[str]
    progress: Callable[[str], None]
    done: int = 0

    def take(self, line: str) -> None:
        """Note one line of the build."""
        self.log.write(f"{line}\n")
        self.log.flush()
        if line and not line.startswith(("#", "go: ", "\t")) and " " not in line:
            self.done = min(self.done + 1, self.total)
            self.progress(f"{self.doing}: {self.done} of {self.total} packages")


def _tool(name: str) -> Tool:
    if name not in TOOLS:
        raise SandboxError(f"there is no tool {name!r}", mend=f"name one of: {', '.join(TOOLS)}")
    return TOOLS[name]
