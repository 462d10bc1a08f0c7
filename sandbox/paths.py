"""Where the sandbox keeps what it makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
NAME = "release-manager-sandbox"


@dataclass(frozen=True)
class Paths:
    """The directories of one sandbox.

    `cache` holds what can be made again from the project's files and is worth keeping (built tools, base images);
    `data` holds the state of this sandbox (cluster, registry, stack state, logs); `run` holds sockets and process
    ids and is gone after a reboot.
    """

    cache: Path
    data: Path
    run: Path

    @classmethod
    def default(cls, environment: dict[str, str] | None = None, *, run: Path = Path("/run")) -> Paths:
        """Follow the XDG base directories of the user; sockets live under `run`, where paths stay short.

        Whoever may not write there runs nothing of the sandbox, but can use an existing cluster.
        """
        env = dict(os.environ) if environment is None else environment
        home = Path(env.get("HOME") or "/root")
        cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
        data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
        sockets = run if os.access(run, os.W_OK) else Path(env.get("XDG_RUNTIME_DIR") or data / NAME)
        return cls(cache=cache / NAME, data=data / NAME, run=sockets / NAME)

    @property
    def tools(self) -> Path:
        """Built binaries, one directory per key."""
        return self.cache / "tools"

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig of the sandbox cluster; its only context is `release-manager-sandbox`."""
        return self.data / "cluster" / "kubeconfig"

    @property
    def authority(self) -> Path:
        """Certificate of the sandbox's own CA, which the ingress's certificates are signed with."""
        return self.data / "authority" / "ca.crt"

    @property
    def logs(self) -> Path:
        """One log file for each process that the sandbox starts."""
        return self.data / "logs"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME of the sandbox: plug-ins and workspaces."""
        return self.data / "pulumi" / "home"

    def make(self) -> None:
        """Create the three directories, closed to other users."""
        for directory in (self.cache, self.data, self.run, self.logs):
            directory.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
