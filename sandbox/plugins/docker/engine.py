"""The Docker engine, through the Docker SDK for Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException

from sandbox.plugins.docker.errors import ImageError

DEFAULT_HOST = "unix:///var/run/docker.sock"
# The engine sends nothing while a step is silent (a compiler, a large download).
SILENCE_SECONDS = 15 * 60
CONNECT_SECONDS = 10

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Credentials:
    """A login at one registry."""

    address: str
    username: str
    password: str = field(repr=False)

    def as_config(self) -> dict[str, str]:
        """Return the login as the engine's interface wants it."""
        return {"username": self.username, "password": self.password, "serveraddress": self.address}


@dataclass(frozen=True)
class BuildOptions:
    """What the engine is asked to build; empty texts are left to the engine."""

    tag: str
    dockerfile: str
    args: Mapping[str, str] = field(default_factory=dict, repr=False)
    target: str = ""
    platform: str = ""
    cache_from: tuple[str, ...] = ()


class Engine(Protocol):
    """What the provider needs of a Docker engine. Every method raises ImageError where the engine cannot be reached."""

    def build(self, context: IO[bytes], options: BuildOptions, credentials: Credentials | None) -> Iterator[Message]:
        """Build an image and yield the engine's messages."""

    def push(self, repository: str, tag: str, credentials: Credentials | None) -> Iterator[Message]:
        """Push one tag and yield the engine's messages."""

    def pull(self, image: str, platform: str, credentials: Credentials | None) -> Iterator[Message]:
        """Pull an image and yield the engine's messages."""

    def inspect(self, image: str) -> Message:
        """Return what the engine knows of an image."""


@dataclass(frozen=True)
class Connection:
    """Which engine to use. Empty texts mean the environment's DOCKER_HOST, or else the default socket."""

    host: str = ""
    cert_path: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> Connection:
        """Read the provider's configuration, then the environment. Raises ImageError for what is not supported."""
        material = [key for key in ("caMaterial", "certMaterial", "keyMaterial") if config.get(key)]
        if material:
            raise ImageError(
                f"the docker provider's setting {material[0]} is not supported here; "
                "put ca.pem, cert.pem and key.pem into a directory and set certPath"
            )
        return cls(
            host=config.get("host") or os.environ.get("DOCKER_HOST") or DEFAULT_HOST,
            cert_path=config.get("certPath") or os.environ.get("DOCKER_CERT_PATH", ""),
        )


class DockerEngine:
    """A connection to one Docker engine."""

    def __init__(self, client: docker.APIClient, host: str) -> None:
        self._client = client
        self._host = host

    @classmethod
    def connect(cls, connection: Connection) -> DockerEngine:
        """Return a connection to an engine that answers; raises ImageError where none does."""
        try:
            tls = _tls(connection)
            client = docker.APIClient(
                base_url=connection.host,
                tls=tls or False,
                timeout=CONNECT_SECONDS,
                use_ssh_client=connection.host.startswith("ssh://"),
            )
            client.ping()
        except (DockerException, requests.RequestException, OSError) as error:
            raise _unreachable(connection.host, error) from error
        client.timeout = SILENCE_SECONDS
        return cls(client, connection.host)

    def build(self, context: IO[bytes], options: BuildOptions, credentials: Credentials | None) -> Iterator[Message]:
        """Build an image and yield the engine's messages."""
        if credentials is not None:
            # The SDK has no public way to give a build the login of a registry without asking that registry first.
            configs = self._client._auth_configs  # type: ignore[attr-defined]  # noqa: SLF001
            configs.add_auth(credentials.address, credentials.as_config())
        with self._errors():
            yield from self._client.build(
                fileobj=context,
                custom_context=True,
                tag=options.tag,
                dockerfile=options.dockerfile,
                buildargs=dict(options.args),
                target=options.target or None,
                platform=options.platform or None,
                cache_from=list(options.cache_from) or None,
                rm=True,
                forcerm=True,
                timeout=SILENCE_SECONDS,
                decode=True,
            )

    def push(self, repository: str, tag: str, credentials: Credentials | None) -> Iterator[Message]:
        """Push one tag and yield the engine's messages."""
        login = credentials.as_config() if credentials else None
        with self._errors():
            yield from self._client.push(repository, tag=tag, auth_config=login, stream=True, decode=True)

    def pull(self, image: str, platform: str, credentials: Credentials | None) -> Iterator[Message]:
        """Pull an image and yield the engine's messages."""
        login = credentials.as_config() if credentials else None
        with self._errors():
            yield from self._client.pull(image, platform=platform or None, auth_config=login, stream=True, decode=True)

    def inspect(self, image: str) -> Message:
        """Return what the engine knows of an image."""
        with self._errors():
            found: Message = self._client.inspect_image(image)  # type: ignore[no-untyped-call]
            return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            raise ImageError(f"the Docker engine at {self._host} refused: {error.explanation or error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError) as error:
            raise ImageError(
                f"the Docker engine at {self._host} stopped answering: {_cause(error)}; "
                "see that it runs (docker info), then run the same command again"
            ) from error


def _tls(connection: Connection) -> docker.tls.TLSConfig | None:
    if not connection.cert_path:
        return None
    path = Path(connection.cert_path)
    return docker.tls.TLSConfig(
        client_cert=(str(path / "cert.pem"), str(path / "key.pem")), ca_cert=str(path / "ca.pem"), verify=True
    )


def _unreachable(host: str, error: Exception) -> ImageError:
    return ImageError(
        f"no Docker engine answers at {host}: {_cause(error)}; "
        "start one, or set DOCKER_HOST (or the setting docker:host) to one that runs"
    )


def _cause(error: BaseException) -> str:
    """Return the innermost reason of an error that libraries have wrapped several times."""
    seen = error
    while isinstance(seen.__cause__ or seen.__context__, BaseException):
        seen = seen.__cause__ or seen.__context__ or seen
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror
    return str(seen) or type(seen).__name__
