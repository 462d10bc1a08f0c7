"""The broker RabbitMQ: one connection, one channel with publisher confirms, one durable topic exchange."""

import socket
from collections.abc import Callable
from typing import TypeVar

from pika import BasicProperties, BlockingConnection, URLParameters  # type: ignore[import-untyped]
from pika.adapters.blocking_connection import BlockingChannel  # type: ignore[import-untyped]
from pika.exceptions import AMQPError  # type: ignore[import-untyped]

from release_manager.message_queue import BrokerError

EXCHANGE = "release-manager.events"
CONNECT_SECONDS = 2.0
BLOCKED_SECONDS = 2.0
HEARTBEAT_SECONDS = 10
PERSISTENT = 2

Answer = TypeVar("Answer")


class RabbitMq:
    """A `message_queue.Broker` on RabbitMQ. After any error the next call connects anew."""

    def __init__(self, url: str) -> None:
        self._parameters = URLParameters(url)
        self._parameters.connection_attempts = 1
        self._parameters.socket_timeout = CONNECT_SECONDS
        self._parameters.stack_timeout = CONNECT_SECONDS
        self._parameters.blocked_connection_timeout = BLOCKED_SECONDS
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._connection: BlockingConnection | None = None
        self._channel: BlockingChannel | None = None

    def publish(self, kind: str, body: bytes) -> None:
        """Publish one event under its kind as the routing key and wait for the broker's receipt."""
        properties = BasicProperties(content_type="application/json", delivery_mode=PERSISTENT)
        self._call(
            lambda channel: channel.basic_publish(exchange=EXCHANGE, routing_key=kind, body=body, properties=properties)
        )

    def check(self) -> None:
        """Ask the broker whether the exchange is there."""
        self._call(lambda channel: channel.exchange_declare(EXCHANGE, passive=True))

    def keep_alive(self) -> None:
        """Read what the broker sent, so that heartbeats are answered and a lost connection is noticed."""
        self._call(lambda channel: channel.connection.process_data_events(0))

    def close(self) -> None:
        """Close the connection; one that is broken already is forgotten."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None or not connection.is_open:
            return
        try:
            connection.close()
        except (AMQPError, OSError):
            return

    def _call(self, action: Callable[[BlockingChannel], Answer]) -> Answer:
        try:
            return action(self._open_channel())
        except (AMQPError, OSError) as error:
            self.close()
            raise BrokerError(_reason(error)) from error

    def _open_channel(self) -> BlockingChannel:
        if self._channel is None:
            self._connection = BlockingConnection(self._parameters)
            self._channel = self._connection.channel()
            self._channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
            self._channel.confirm_delivery()
        return self._channel


def _reason(error: BaseException) -> str:
    # pika wraps the error that says something, sometimes in several layers without a text of their own.
    inner: object = error.args[0] if error.args else None
    while isinstance(inner, BaseException):
        error, inner = inner, (inner.args[0] if inner.args else None)
    nested = getattr(error, "exception", None)
    if isinstance(nested, BaseException):
        error = nested
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    return str(error) or type(error).__name__
