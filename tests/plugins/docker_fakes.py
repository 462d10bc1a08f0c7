"""A Docker engine and a display that only remember what they were told."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.docker.engine import BuildOptions, Connection, Credentials, Message
from sandbox.plugins.docker.provider import DockerProvider
from sandbox.plugins.protocol.properties import marshal, unmarshal

IMAGE_ID = "sha256:" + "1" * 64
DIGEST = "sha256:" + "2" * 64
URN = "urn:pulumi:dev::project::docker:index/image:Image::app"


class AbortedError(Exception):
    """The call failed with this code and text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Context:
    def abort(self, code: grpc.StatusCode, text: str) -> NoReturn:
        raise AbortedError(code, text)


@dataclass
class Display:
    lines: list[str] = field(default_factory=list)

    def info(self, urn: str, message: str) -> None:  # noqa: ARG002
        self.lines.append(f"info {message}")

    def warning(self, urn: str, message: str) -> None:  # noqa: ARG002
        self.lines.append(f"warning {message}")

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:  # noqa: ARG002
        self.lines.append(f"status {message}")


@dataclass
class FakeEngine:
    build_messages: list[Message] = field(default_factory=lambda: [{"aux": {"ID": IMAGE_ID}}])
    push_messages: list[Message] = field(default_factory=lambda: [{"aux": {"Digest": DIGEST}}])
    pull_messages: list[Message] = field(default_factory=list)
    images: dict[str, Message] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def build(self, context: IO[bytes], options: BuildOptions, credentials: Credentials | None) -> Iterator[Message]:
        self.calls.append(("build", (options, credentials)))
        with tarfile.open(fileobj=io.BytesIO(context.read())) as archive:
            self.files = archive.getnames()
        yield from self.build_messages

    def push(self, repository: str, tag: str, credentials: Credentials | None) -> Iterator[Message]:
        self.calls.append(("push", (repository, tag, credentials)))
        yield from self.push_messages

    def pull(self, image: str, platform: str, credentials: Credentials | None) -> Iterator[Message]:
        self.calls.append(("pull", (image, platform, credentials)))
        yield from self.pull_messages

    def inspect(self, image: str) -> Message:
        return self.images[image]

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


@dataclass
class Plugin:
    """The provider on a fake engine, spoken to with plain values."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    display: Display = field(default_factory=Display)
    connections: list[Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.provider = DockerProvider(version="5.2.0", log=self.display, connect=self._connect)
        self.context: Any = Context()

    def _connect(self, connection: Connection) -> FakeEngine:
        self.connections.append(connection)
        return self.engine

    def check(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return unmarshal(
            self.provider.Check(provider_pb2.CheckRequest(urn=URN, news=marshal(inputs)), self.context).inputs
        )

    def diff(self, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, int]:
        request = provider_pb2.DiffRequest(urn=URN, olds=marshal(state), news=marshal(inputs))
        answer = self.provider.Diff(request, self.context)
        assert not answer.replaces
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(answer.detailedDiff)
        return {key: value.kind for key, value in answer.detailedDiff.items()}

    def create(self, inputs: dict[str, Any], *, preview: bool = False) -> dict[str, Any]:
        request = provider_pb2.CreateRequest(urn=URN, properties=marshal(inputs), preview=preview)
        return unmarshal(self.provider.Create(request, self.context).properties)
