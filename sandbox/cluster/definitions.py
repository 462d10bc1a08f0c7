"""Definitions of kinds of objects on the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.kubectl import FIELD_MANAGER, Kubectl

INSTALL_SECONDS = 120.0


@dataclass(frozen=True)
class Definitions:
    """The definitions in the files of `directory`, one in each; `annotation` of each says that it is of `version`."""

    kubectl: Kubectl
    directory: Path
    version: str
    annotation: str

    def install(self) -> None:
        """Put them on the cluster where they are not there in this version. Raises SandboxError."""
        names = [
            f"customresourcedefinition/{plural}.{group}"
            for file in sorted(self.directory.glob("*.yaml"))
            for group, _, plural in [file.stem.partition("_")]
        ]
        said = self.annotation.replace(".", r"\.")
        output = f"--output=jsonpath={{range .items[*]}}{{.metadata.annotations.{said}}}{{'\\n'}}{{end}}"
        found = self.kubectl.run("get", "customresourcedefinitions", output).split()
        if found.count(self.version) >= len(names):
            return
        flags = ("--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}")
        self.kubectl.run("apply", *flags, f"--filename={self.directory}", seconds=INSTALL_SECONDS)
        self.kubectl.wait(*names, until="condition=Established")
