"""Builds the services from the environment and runs the server."""

import logging
from collections.abc import Mapping

from release_manager.api import ROUTES
from release_manager.app import Services, create_app
from release_manager.cache import connect_cache
from release_manager.database import connect_database
from release_manager.faults import Faults, read_faults, start_faults
from release_manager.json_logs import configure_logs
from release_manager.lifecycle import Lifecycle
from release_manager.message_queue import Publisher
from release_manager.metrics import Metrics
from release_manager.rabbitmq import RabbitMq
from release_manager.server import listen, serve
from release_manager.settings import Settings, SettingsError, read_settings, read_version

CANNOT_LISTEN_EXIT_CODE = 1
BAD_SETTING_EXIT_CODE = 2

log = logging.getLogger(__name__)


def run(environment: Mapping[str, str]) -> int:
    """Serve until a signal ends the process; return its exit code."""
    configure_logs(version=read_version(environment), level="INFO")
    try:
        settings, faults = read_settings(environment), read_faults(environment)
    except SettingsError as error:
        log.error("%s", error)  # noqa: TRY400 (one line for the user; the traceback says nothing more)
        return BAD_SETTING_EXIT_CODE
    configure_logs(version=settings.version, level=settings.log_level)
    start_faults(faults)
    try:
        listener = listen(settings.port)
    except OSError as error:
        log.error("cannot listen on port %d (PORT): %s", settings.port, error.strerror)  # noqa: TRY400
        return CANNOT_LISTEN_EXIT_CODE
    lifecycle = Lifecycle()
    with listener:
        app = create_app(_connect(settings, faults, lifecycle))
        log.info("Release Manager %s serves on port %d", settings.version, settings.port)
        serve(app, listener, lifecycle=lifecycle, drain_seconds=settings.drain_seconds)
    return 0


def _connect(settings: Settings, faults: Faults, lifecycle: Lifecycle) -> Services:
    metrics = Metrics(version=settings.version, routes=ROUTES)
    return Services(
        version=settings.version,
        database=connect_database(settings.database_url, pool_size=settings.database_pool_size),
        cache=connect_cache(settings.redis_url, count_failure=metrics.count_failure_of("cache")),
        publisher=Publisher(RabbitMq(settings.rabbitmq_url), count_failure=metrics.count_failure_of("message_queue")),
        metrics=metrics,
        faults=faults,
        lifecycle=lifecycle,
    )
