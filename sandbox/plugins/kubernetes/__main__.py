"""Start the provider: `python -m sandbox.plugins.kubernetes ENGINE_ADDRESS`."""

from __future__ import annotations

from sandbox.plugins.kubernetes.servicer import KubernetesProvider
from sandbox.plugins.protocol.engine_log import EngineLog
from sandbox.plugins.protocol.server import engine_address, serve


def main() -> None:
    """Serve until the engine is gone."""
    serve(KubernetesProvider(EngineLog.connect(engine_address())))


main()
