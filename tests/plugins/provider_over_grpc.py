"""The provider behind a real gRPC connection on 127.0.0.1, as the engine talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.plugins.kubernetes.kubeconfig import Connection, Selection
from sandbox.plugins.kubernetes.servicer import KubernetesProvider
from sandbox.plugins.protocol.properties import marshal, unmarshal
from tests.plugins.fake_api_server import FakeApiServer

URN = "urn:pulumi:dev::shop::kubernetes:{}::web"
CALL_SECONDS = 20.0


@dataclass
class Messages:
    warnings: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    def info(self, urn: str, message: str) -> None: ...

    def warning(self, urn: str, message: str) -> None:  # noqa: ARG002
        self.warnings.append(message)

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:  # noqa: ARG002
        self.statuses.append(message)


@dataclass
class HalfDone:
    message: str
    identifier: str
    outputs: dict[str, Any]
    reasons: list[str]


@dataclass
class Provider:
    stub: provider_pb2_grpc.ResourceProviderStub
    messages: Messages

    def check(self, token: str, news: Any, olds: Any = None, seed: bytes = b"seed") -> dict[str, Any]:
        request = provider_pb2.CheckRequest(
            urn=URN.format(token), news=marshal(news), olds=marshal(olds or {}), randomSeed=seed
        )
        return unmarshal(self.stub.Check(request, timeout=CALL_SECONDS).inputs)

    def diff(self, token: str, olds: Any, news: Any, ignored: tuple[str, ...] = ()) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(
            id="shop/web", urn=URN.format(token), olds=marshal(olds), news=marshal(news), ignoreChanges=ignored
        )
        reply: provider_pb2.DiffResponse = self.stub.Diff(request, timeout=CALL_SECONDS)
        return reply

    def create(self, token: str, inputs: Any, *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=URN.format(token), properties=marshal(inputs), preview=preview)
        reply = self.stub.Create(request, timeout=CALL_SECONDS)
        return reply.id, unmarshal(reply.properties)

    def update(self, token: str, olds: Any, news: Any, *, preview: bool = False, ignored: Any = ()) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            id="shop/web",
            urn=URN.format(token),
            olds=marshal(olds),
            news=marshal(news),
            preview=preview,
            ignoreChanges=ignored,
        )
        return unmarshal(self.stub.Update(request, timeout=CALL_SECONDS).properties)

    def read(self, token: str, identifier: str, outputs: Any, inputs: Any) -> provider_pb2.ReadResponse:
        request = provider_pb2.ReadRequest(
            id=identifier, urn=URN.format(token), properties=marshal(outputs), inputs=marshal(inputs)
        )
        reply: provider_pb2.ReadResponse = self.stub.Read(request, timeout=CALL_SECONDS)
        return reply

    def delete(self, token: str, identifier: str, outputs: Any) -> None:
        request = provider_pb2.DeleteRequest(id=identifier, urn=URN.format(token), properties=marshal(outputs))
        self.stub.Delete(request, timeout=CALL_SECONDS)


def half_done(error: grpc.RpcError) -> HalfDone:
    """Read what the engine would keep in state after a failed create or update."""
    assert isinstance(error, grpc.Call)
    details = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details if isinstance(details, bytes) else details.encode())
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return HalfDone(status.message, detail.id, unmarshal(detail.properties), list(detail.reasons))


@contextmanager
def running_provider(
    cluster: FakeApiServer | None, variables: dict[str, str] | None = None, *, cancelled: bool = False
) -> Iterator[Provider]:
    """Serve a configured provider; without a cluster every request fails to connect. No wait takes any time."""

    def connector(_: Selection) -> Connection:
        if cluster is None:

            def fail(request: httpx.Request) -> httpx.Response:
                raise httpx.ConnectError("connection refused", request=request)

            client = httpx.Client(base_url="http://cluster", transport=httpx.MockTransport(fail))
        else:
            client = cluster.client()
        return Connection(client, "http://cluster", "default")

    messages = Messages()
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    servicer = KubernetesProvider(messages, connector, lambda _: cancelled)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            prefixed = {f"kubernetes:config:{key}": value for key, value in (variables or {}).items()}
            stub.Configure(provider_pb2.ConfigureRequest(variables=prefixed), timeout=CALL_SECONDS)
            yield Provider(stub, messages)
    finally:
        server.stop(None).wait()
