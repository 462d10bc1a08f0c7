"""What every stand-in plug-in shares: the gRPC server and the engine's property encoding."""

from sandbox.plugins.protocol.server import serve

__all__ = ["serve"]
