"""Start the language host: `python -m sandbox.plugins.language ENGINE_ADDRESS`."""

from __future__ import annotations

from pulumi.runtime.proto import language_pb2_grpc

from sandbox.plugins.language.children import Children
from sandbox.plugins.language.host import PythonHost
from sandbox.plugins.protocol.server import engine_address, serve_with


def main() -> None:
    """Serve until the engine is gone; every program that was started ends with the host."""
    children = Children()
    host = PythonHost(engine_address(), children)
    serve_with(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        on_stop=children.end_all,
    )


main()
