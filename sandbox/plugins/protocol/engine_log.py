"""Messages that a plug-in shows beside a resource."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

if TYPE_CHECKING:
    from pulumi.runtime.proto.engine_pb2 import LogSeverity

SEND_SECONDS = 5.0


class Log(Protocol):
    """Where a provider's messages go; `urn` names the resource they belong to."""

    def info(self, urn: str, message: str) -> None:
        """Show a message for good."""

    def warning(self, urn: str, message: str) -> None:
        """Show a warning for good."""

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Show what is going on, until the next status; an empty message clears it."""


class EngineLog:
    """Sends messages to the engine. A message that cannot be sent is dropped: it must never fail an operation."""

    def __init__(self, engine: engine_pb2_grpc.EngineStub | None) -> None:
        self._engine = engine

    @classmethod
    def connect(cls, address: str) -> EngineLog:
        """Return a log for the engine at an address; without an address, a log that drops everything."""
        if not address:
            return cls(None)
        return cls(engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)))

    def info(self, urn: str, message: str) -> None:
        """Show a message for good."""
        self._send(urn, message, engine_pb2.INFO, ephemeral=False)

    def warning(self, urn: str, message: str) -> None:
        """Show a warning for good."""
        self._send(urn, message, engine_pb2.WARNING, ephemeral=False)

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Show what is going on, until the next status; an empty message clears it."""
        self._send(urn, message, engine_pb2.WARNING if warning else engine_pb2.INFO, ephemeral=True)

    def _send(self, urn: str, message: str, severity: LogSeverity.ValueType, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=ephemeral)
        with contextlib.suppress(grpc.RpcError):
            self._engine.Log(request, timeout=SEND_SECONDS)
