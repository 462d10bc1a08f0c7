"""Programs from Debian's packages.

Packages without a service of their own are installed. Packages that would start one (etcd, containerd, dockerd, the
registry) are only unpacked into the cache: the sandbox runs their programs itself and the machine's own services stay
as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import Paths

INSTALLED = {
    "iptables": "/usr/sbin/iptables",
    "conntrack": "/usr/sbin/conntrack",
    "iproute2": "/usr/sbin/ip",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "runc": "/usr/sbin/runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "curl": "/usr/bin/curl",
    "libdevmapper1.02.1": "/usr/share/doc/libdevmapper1.02.1/copyright",
}
UNPACKED = {
    "busybox-static": "bin/busybox",
    "etcd-server": "usr/bin/etcd",
    "containerd": "usr/bin/containerd",
    "docker.io": "usr/sbin/dockerd",
    "docker-registry": "usr/bin/docker-registry",
    "prometheus": "usr/bin/prometheus",
    "prometheus-alertmanager": "usr/bin/prometheus-alertmanager",
}
# Only where something of Maven Central is to be had.
MAVEN = {"maven": "/usr/share/maven/bin/mvn"}
APT_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class DebianPackages:
    """Installs and unpacks what the sandbox runs from Debian."""

    paths: Paths

    @property
    def root(self) -> Path:
        """Root directory of the unpacked packages."""
        return self.paths.cache / "debian"

    def program(self, package: str) -> Path:
        """Return the main program of an unpacked package."""
        return self.root / UNPACKED[package]

    def missing(self, *, with_maven: bool = False) -> list[str]:
        """Names of packages that are not there yet."""
        wanted = {**INSTALLED, **(MAVEN if with_maven else {})}
        installed = [name for name, file in wanted.items() if not Path(file).exists()]
        return installed + [name for name in UNPACKED if not self.program(name).exists()]

    def ensure(self, progress: Callable[[str], None], *, with_maven: bool = False) -> str:
        """Install and unpack what is missing; return one closing line. Raises SandboxError."""
        missing = self.missing(with_maven=with_maven)
        if not missing:
            return "all present"
        if shutil.which("apt-get") is None:
            raise SandboxError(
                f"the sandbox needs Debian packages ({', '.join(missing)}) and apt-get is not on this machine",
                mend="use Debian 12, or an existing cluster: make up CONTEXT=<kube context>",
            )
        progress("refreshing package lists")
        self._apt(["update"])
        install = [name for name in missing if name not in UNPACKED]
        if install:
            progress(f"installing {', '.join(install)}")
            self._apt(["install", "--yes", "--no-install-recommends", *install])
        for name in (name for name in missing if name in UNPACKED):
            progress(f"unpacking {name}")
            self._unpack(name)
        return f"added {', '.join(missing)}"

    def _unpack(self, package: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.paths.cache) as directory:
            self._apt(["download", package], Path(directory))
            for archive in Path(directory).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", str(archive), str(self.root)], check=True)

    @staticmethod
    def _apt(arguments: Sequence[str], directory: Path | None = None) -> None:
        command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *arguments]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            done = subprocess.run(
                command,
                cwd=directory,
                env=environment,
                capture_output=True,
                text=True,
                timeout=APT_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(
                f"'{' '.join(command)}' did not end within {APT_TIMEOUT_SECONDS} s",
                mend="check that this machine reaches Debian's package archive, then run the same command again",
            ) from error
        if done.returncode != 0:
            last = "; ".join((done.stderr or done.stdout).strip().splitlines()[-2:])
            raise SandboxError(
                f"'{' '.join(command)}' failed: {last}",
                mend="check that this machine reaches Debian's package archive, then run the same command again",
            )
