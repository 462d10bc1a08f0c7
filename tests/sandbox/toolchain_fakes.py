"""A `go` and a `pulumi` that only pretend to work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.paths import Paths


def paths_in(directory: Path) -> Paths:
    return Paths(cache=directory / "cache", data=directory / "data", run=directory / "run")


@dataclass
class FakeGo:
    """Answers the go commands that a build uses. `fail_with` is what a build prints before it fails."""

    version: str = "go version go1.26.1 linux/amd64"
    stale: int = 2
    fail_with: tuple[str, ...] = ()
    interrupt: bool = False
    compiled: tuple[str, ...] = ("example.com/a", "example.com/b")
    commands: list[list[str]] = field(default_factory=list)

    def __call__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],  # noqa: ARG002
        seconds: float,
        on_line: Callable[[str], None],
    ) -> int:
        assert seconds > 0
        assert (directory / "go.mod").exists()
        self.commands.append(list(command[1:]))
        match command[1]:
            case "version":
                on_line(self.version)
            case "env":
                on_line("/tmp")  # noqa: S108 - any directory that exists
            case "list":
                for index in range(4):
                    on_line(f"package {'stale dependency' if index < self.stale else ''}".rstrip())
            case "build":
                return self._build(Path(command[command.index("-o") + 1]), on_line)
        return 0

    def _build(self, output: Path, on_line: Callable[[str], None]) -> int:
        output.write_text("half of it", encoding="utf-8")
        if self.interrupt:
            raise KeyboardInterrupt
        for line in self.fail_with or self.compiled:
            on_line(line)
        if self.fail_with:
            return 1
        output.write_text("a program", encoding="utf-8")
        output.chmod(0o755)
        return 0

    def count(self, kind: str) -> int:
        return sum(command[0] == kind for command in self.commands)


def modules_in(directory: Path) -> Path:
    """Write the two modules that the tools are built from, in miniature."""
    for module, pins in (
        ("pulumi", "require github.com/pulumi/pulumi/pkg/v3 v3.250.0\n"),
        ("kubernetes", "require (\n\tk8s.io/kubernetes v1.34.2\n\tgithub.com/coredns/coredns v1.14.1\n)\n"),
    ):
        (directory / module).mkdir(parents=True)
        (directory / module / "go.mod").write_text(f"module x\n\ngo 1.25.3\n\n{pins}", encoding="utf-8")
        (directory / module / "go.sum").write_text("sums", encoding="utf-8")
    (directory / "kubernetes" / "main.go").write_text("package main", encoding="utf-8")
    return directory
