"""Where a load goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, Paths

# Cheap for the application, which has it in its cache, and what a client of the real one would ask for most.
PATH = "/releases?limit=10"
ADDRESS = "127.0.0.1"
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """What is asked for, at which address it is found, and whose certificates are trusted for it."""

    url: httpx.URL
    address: str = ADDRESS
    ca_file: Path | None = None

    @classmethod
    def of_stack(cls, stack: str, paths: Paths, *, directory: Path = REPOSITORY) -> Target:
        """Return the API of `stack`, by the host name in its stack file, at the ingress of the sandbox.

        Raises SandboxError if there is no such stack.
        """
        file = directory / f"Pulumi.{stack}.yaml"
        try:
            config = yaml.safe_load(file.read_text(encoding="utf-8"))["config"]
            health = httpx.URL(config["release-manager:health"]["url"])
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise SandboxError(
                f"there is no stack '{stack}' whose file {file.name} names health.url ({type(error).__name__})",
                mend="name one of: dev, staging, prod",
            ) from error
        return cls(health.join(PATH), ca_file=paths.authority if health.scheme == "https" else None)

    @property
    def arguments(self) -> list[str]:
        """How vegeta is told address and trust."""
        port = self.url.port or PORTS[self.url.scheme]
        host = f"[{self.address}]" if ":" in self.address else self.address
        connect = f"-connect-to={self.url.host}:{port}:{host}:{port}"
        return [connect] if self.ca_file is None else [connect, f"-root-certs={self.ca_file}"]
