"""Builds one image with the Docker engine and pushes it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, BuildError, DockerException
from requests.exceptions import RequestException

from sandbox.docker_engine import DockerEngine
from sandbox.errors import SandboxError

MEBIBYTE = 2**20


def tar_of(contents: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """Return a tar archive of files by their names, the same bytes for the same files; `programs` may be executed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if name in programs else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@contextmanager
def speaking_to(engine: DockerEngine, name: str) -> Iterator[docker.DockerClient]:
    """Give a client of the engine; what the engine fails with in the body is a SandboxError about image `name`."""
    try:
        client = engine.client()
        try:
            yield client
        finally:
            client.close()
    except (DockerException, RequestException) as error:
        raise SandboxError(
            f"the Docker engine at {engine.host} could not make the {name} image: {_reason(error)}",
            mend="read the engine's log (make status names it), then run the same command again",
        ) from error


def build_and_push(
    client: docker.DockerClient,
    image: str,
    contents: Mapping[str, bytes],
    name: str,
    progress: Callable[[str], None],
    *,
    dockerfile: str = "Dockerfile",
    arguments: Mapping[str, str] | None = None,
    programs: Collection[str] = (),
) -> None:
    """Build `image` (repository:tag) from the files `contents` and push it. Raises DockerException.

    Those named in `programs` may be executed.
    """
    client.images.build(
        fileobj=io.BytesIO(tar_of(contents, programs)),
        custom_context=True,
        dockerfile=dockerfile,
        buildargs=dict(arguments or {}),
        tag=image,
        rm=True,
    )
    repository, _, tag = image.rpartition(":")
    events: Iterator[Mapping[str, Any]] = client.api.push(repository, tag=tag, stream=True, decode=True)
    for event in events:
        if "error" in event:
            raise DockerException(f"push of {image}: {event['error']}")
        detail = event.get("progressDetail") or {}
        if "current" in detail:
            progress(f"{name}: pushing, {detail['current'] // MEBIBYTE} MiB")


def _reason(error: Exception) -> str:
    if isinstance(error, BuildError):
        return str(error.msg)
    if isinstance(error, APIError):
        return str(error.explanation)
    return str(error)
