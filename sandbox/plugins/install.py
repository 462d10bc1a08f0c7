"""The plug-ins that a stack runs with: the official ones where they can be downloaded, our stand-ins elsewhere."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import secrets
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, Paths
from sandbox.toolchain.children import Follow, follow
from sandbox.toolchain.downloads import Downloads
from sandbox.toolchain.pulumi_cli import LANGUAGE_HOST, PulumiCli

PROVIDERS = ("kubernetes", "docker")
ARCHIVE = "https://get.pulumi.com/releases/plugins/pulumi-resource-{name}-v{version}-linux-{machine}.tar.gz"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
DOWNLOAD_SECONDS = 180.0
MARK = "# Stand-in of the release-manager sandbox."
LAUNCHER = """#!/bin/sh
{mark}
exec {python} -P -c {program} "$@"
"""
# Not through PYTHONPATH: the programs and policy packs that the language host starts would inherit it.
PROGRAM = "import runpy, sys; sys.path.insert(0, {repository!r}); runpy.run_module({module!r}, None, '__main__', True)"


@dataclass(frozen=True)
class PulumiEnvironment:
    """What `pulumi` must be run with.

    `variables` are set, `first_on_path` goes before PATH, `lines` say which plug-ins serve, one line each.
    """

    variables: Mapping[str, str]
    first_on_path: tuple[Path, ...] = ()
    lines: tuple[str, ...] = ()

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return `environment` with the variables set and PATH extended."""
        path = [*map(str, self.first_on_path), environment.get("PATH", os.defpath)]
        return {**environment, **self.variables, "PATH": os.pathsep.join(path)}


@dataclass
class PluginInstaller:
    """Installs plug-ins into the sandbox's own PULUMI_HOME. `version_of` tells the version that an SDK asks for."""

    paths: Paths
    cli: PulumiCli
    downloads: Downloads
    follow: Follow = follow
    version_of: Callable[[str], str] = importlib.metadata.version
    python: Path = field(default_factory=lambda: Path(sys.executable))
    repository: Path = REPOSITORY

    def install(self, progress: Callable[[str], None]) -> PulumiEnvironment:
        """Make the plug-ins ready and return the environment. Safe to repeat. Raises SandboxError."""
        try:
            official = {name: self._provider(name, progress) for name in PROVIDERS}
            lines = [self._line(name, official=kind) for name, kind in official.items()]
            first_on_path, host = self._language_host()
            variables = self._variables(official=all(official.values()))
        except OSError as error:
            raise SandboxError(
                f"the plug-ins cannot be written: {error}",
                mend=f"see that {self.paths.data} is yours and its disk has room, then run the same command again",
            ) from error
        return PulumiEnvironment(variables, first_on_path, (*lines, host))

    def directory(self, name: str) -> Path:
        """Return where the engine looks for a provider."""
        return self.paths.pulumi_home / "plugins" / f"resource-{name}-v{self._version(name)}"

    def _version(self, name: str) -> str:
        return self.version_of(f"pulumi-{name}")

    def _provider(self, name: str, progress: Callable[[str], None]) -> bool:
        """Install one provider; return whether it is the official one."""
        program = self.directory(name) / f"pulumi-resource-{name}"
        if program.exists() and not _is_launcher(program):
            return True
        machine = MACHINES.get(platform.machine(), platform.machine())
        address = ARCHIVE.format(name=name, version=self._version(name), machine=machine)
        if self.downloads.possible(address):
            progress(f"downloading the plug-in {name} {self._version(name)}")
            if self._download(name) and program.exists():
                return True
            self.downloads.remember_failure(address)
        self._write_launcher(program, f"sandbox.plugins.{name}")
        return False

    def _download(self, name: str) -> bool:
        # A stand-in in its place would be taken for the plug-in itself.
        shutil.rmtree(self.directory(name), ignore_errors=True)
        command = [str(self.cli.program), "plugin", "install", "resource", name, f"v{self._version(name)}"]
        self.paths.pulumi_home.mkdir(parents=True, exist_ok=True)
        status = self.follow(
            command,
            directory=self.paths.pulumi_home,
            environment={"PULUMI_HOME": str(self.paths.pulumi_home), "PULUMI_SKIP_UPDATE_CHECK": "true"},
            seconds=DOWNLOAD_SECONDS,
            on_line=lambda _: None,
        )
        if status != 0:
            directory = self.directory(name)
            shutil.rmtree(directory, ignore_errors=True)
            # The engine takes a plug-in beside such a mark for one that is half there.
            directory.with_name(f"{directory.name}.partial").unlink(missing_ok=True)
        return status == 0

    def _line(self, name: str, *, official: bool) -> str:
        kind = "official plug-in" if official else "stand-in (the official download cannot be reached)"
        return f"{name} {self._version(name)}: {kind}"

    def _language_host(self) -> tuple[tuple[Path, ...], str]:
        if self.cli.language_host is not None:
            beside = self.cli.language_host.parent
            return (beside,), f"{LANGUAGE_HOST}: official ({beside})"
        # The engine finds a host beside itself without a word, and warns about every other one.
        ours = self.cli.program.is_relative_to(self.paths.tools)
        directory = self.cli.program.parent if ours else self.paths.data / "pulumi" / "bin"
        self._write_launcher(directory / LANGUAGE_HOST, "sandbox.plugins.language")
        return (directory,), f"{LANGUAGE_HOST}: stand-in (none came with pulumi)"

    def _write_launcher(self, program: Path, module: str) -> None:
        text = LAUNCHER.format(
            mark=MARK,
            python=shlex.quote(str(self.python)),
            program=shlex.quote(PROGRAM.format(repository=str(self.repository), module=module)),
        )
        if program.exists() and program.read_bytes() == text.encode():
            return
        program.parent.mkdir(parents=True, exist_ok=True)
        partial = program.with_name(f".{program.name}.partial")
        partial.write_text(text, encoding="utf-8")
        partial.chmod(0o755)
        partial.replace(program)

    def _variables(self, *, official: bool) -> dict[str, str]:
        state = self.paths.data / "pulumi" / "state"
        state.mkdir(parents=True, exist_ok=True)
        variables = {
            "PULUMI_HOME": str(self.paths.pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase()),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        if not official:
            # Without a network the engine would try for minutes to download what a program asks for in vain.
            variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        return variables

    def _passphrase(self) -> Path:
        """Return the file with the passphrase of the stacks' secrets; it is made once and never changed."""
        file = self.paths.data / "pulumi" / "passphrase"
        if not file.exists():
            partial = file.with_name(f".{file.name}.partial")
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(secrets.token_urlsafe(32))
            partial.rename(file)
        return file


def _is_launcher(program: Path) -> bool:
    with program.open("rb") as opened:
        return MARK.encode() in opened.read(len(MARK) + 64)
