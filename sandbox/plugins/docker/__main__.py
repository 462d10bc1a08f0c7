"""Run the provider: `python -m sandbox.plugins.docker <address of the engine>`."""

import importlib.metadata

from sandbox.plugins.docker.engine import DockerEngine
from sandbox.plugins.docker.provider import DockerProvider
from sandbox.plugins.protocol import serve
from sandbox.plugins.protocol.engine_log import EngineLog
from sandbox.plugins.protocol.server import engine_address

serve(
    DockerProvider(
        version=importlib.metadata.version("pulumi-docker"),
        log=EngineLog.connect(engine_address()),
        connect=DockerEngine.connect,
    )
)
