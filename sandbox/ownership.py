"""One sandbox on one machine: ports, interfaces and rules are shared by all, so the data must be too."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import Paths
from sandbox.processes import Processes


@dataclass(frozen=True)
class Ownership:
    """Remembers, as long as something runs, which data directory it runs from."""

    paths: Paths
    processes: Processes

    @property
    def file(self) -> Path:
        """Where the data directory is noted."""
        return self.paths.run / "data-directory"

    def require(self) -> None:
        """Raise SandboxError where a sandbox with other data runs."""
        try:
            owner = self.file.read_text(encoding="utf-8")
        except OSError:
            return
        running = [name for name in self.processes.names() if self.processes.running(name) is not None]
        if running and owner != str(self.paths.data):
            raise SandboxError(
                f"another sandbox runs on this machine, with its data in {owner} ({', '.join(running)})",
                mend=f"stop it first: XDG_DATA_HOME={Path(owner).parent} make down",
            )

    def take(self) -> None:
        """Note that what runs from now on runs from our data. Raises SandboxError as `require`."""
        self.require()
        self.paths.run.mkdir(parents=True, exist_ok=True)
        # Renamed into place: who reads it meanwhile sees the whole of it.
        written = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        written.write_text(str(self.paths.data), encoding="utf-8")
        written.replace(self.file)
