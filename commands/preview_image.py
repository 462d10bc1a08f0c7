"""An image of a commit that is not released yet: only a release's own image knows its migrations."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cluster.errors import ClusterError
from evidence.build_context import context_of
from evidence.git import Revision
from evidence.image import built_before
from evidence.registry import Registry
from settings import Settings

BUILD_SECONDS = 15 * 60.0
# Never the tag of a release: what a pull request builds is nothing that anybody deploys.
PREFIX = "preview-"

Run = Callable[[Sequence[str], str, Mapping[str, str]], tuple[int, str]]


def docker(arguments: Sequence[str], given: str, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run docker with `given` as its input; return its status and the last that it said. Raises ClusterError."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            input=given,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(
            f"docker {arguments[0]} cannot be run, or does not end ({type(error).__name__})",
            mend="see that docker is on PATH and that its engine answers: docker info",
        ) from error
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return done.returncode, "; ".join(lines[-2:])


def preview_image(settings: Settings, revision: Revision, registry: Registry, run: Run = docker) -> str:
    """Return the image of the commit by its digest, built and pushed as `preview-<short sha>` where there is none.

    Raises ClusterError or EvidenceError.
    """
    image, tag = settings.image, f"{PREFIX}{revision.short}"
    before = built_before(registry, tag)
    if before is not None:
        return before.reference
    exported = None if revision.changes else context_of(Path(image.context), revision.sha)
    name, directory = f"{image.repository}:{tag}", str(exported or image.context)
    given = {**image.build_args, "VERSION": tag, "REVISION": revision.sha}
    arguments = [part for key, value in given.items() for part in ("--build-arg", f"{key}={value}")]
    with TemporaryDirectory() as kept:
        variables = {}
        if image.registry is not None:
            # The sign-in is for this push alone: it does not stay on the machine.
            variables["DOCKER_CONFIG"] = kept
            signed = ["login", "--username", image.registry.username, "--password-stdin", image.registry.server]
            _done(run(signed, image.registry.password.get_secret_value(), variables), "login")
        _done(run(["build", "--tag", name, "--platform", "linux/amd64", *arguments, directory], "", variables), "build")
        _done(run(["push", name], "", variables), "push")
    found = built_before(registry, tag)
    if found is None:
        raise ClusterError(f"{name} was pushed, and the registry does not have it", mend="run the same command again")
    return found.reference


def _done(ran: tuple[int, str], what: str) -> None:
    status, said = ran
    if status != 0:
        raise ClusterError(
            f"there is no image whose migrations could be shown: docker {what} ended with status {status}: {said}",
            mend="mend what it names; the same image is built by the update",
        )
