"""Files from Maven Central, once each, by Maven itself: its settings know the mirrors and proxies of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.commands import run
from sandbox.errors import SandboxError
from sandbox.images.recipe import Artifact
from sandbox.paths import Paths

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
DOWNLOAD_SECONDS = 300.0
MEND = "check that mvn runs and reaches Maven Central, then run the same command again"


@dataclass(frozen=True)
class Maven:
    """Downloads artifacts into the cache."""

    paths: Paths

    def content(self, artifact: Artifact, progress: Callable[[str], None]) -> bytes:
        """Return the artifact, downloaded where the cache has it not.

        Raises SandboxError where Maven fails, or where what it brings is not what the project was made with.
        """
        file = self.paths.cache / "maven" / artifact.file_name
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            progress(f"downloading {artifact.file_name}")
            command = [
                "mvn",
                "-q",
                "-B",
                COPY,
                f"-Dartifact={artifact.coordinates}",
                f"-DoutputDirectory={file.parent}",
            ]
            run(command, mend=MEND, seconds=DOWNLOAD_SECONDS)
            if not file.is_file():
                raise SandboxError(f"mvn has not left {file}", mend=MEND)
        content = file.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != artifact.sha256:
            file.unlink()
            raise SandboxError(
                f"{artifact.coordinates} has SHA-256 {found}, and the project was made with {artifact.sha256}",
                mend="run the same command again; if it stays so, look at what the mirror of Maven Central gives",
            )
        return content
