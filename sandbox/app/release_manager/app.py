"""The web application, put together from its parts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from release_manager.api import api_router
from release_manager.cache import Cache
from release_manager.database import Database
from release_manager.faults import Faults
from release_manager.health import Checks, health_router
from release_manager.heartbeat import beat
from release_manager.lifecycle import Lifecycle
from release_manager.message_queue import Publisher
from release_manager.metrics import Metrics
from release_manager.observe import ObserveRequests
from release_manager.releases import ReleaseConflictError, ReleaseNotFoundError, Releases

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Services:
    """What the application works with; tests pass their own."""

    version: str
    database: Database
    cache: Cache
    publisher: Publisher
    metrics: Metrics
    faults: Faults
    lifecycle: Lifecycle


def create_app(services: Services) -> FastAPI:
    """Build the application. Its lifespan starts and closes the services."""
    metrics, database = services.metrics, services.database
    checks = Checks(
        {
            "database": database.check,
            "cache": services.cache.check,
            "message_queue": services.publisher.check,
        }
    )
    metrics.watch_pool(size=database.pool_size, active=database.connections_active)
    database.time_queries(metrics.query_seconds.observe)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        services.publisher.start()
        delay_seconds = services.faults.ready_after_seconds
        if delay_seconds:
            asyncio.get_running_loop().call_later(delay_seconds, services.lifecycle.start)
        else:
            services.lifecycle.start()
        beating = asyncio.create_task(beat())
        yield
        beating.cancel()
        checks.close()
        services.publisher.close()
        services.cache.close()
        database.close()

    app = FastAPI(title="Release Manager", version=services.version, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(ObserveRequests, version=services.version, metrics=metrics, lifecycle=services.lifecycle)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(ReleaseNotFoundError, _answer_not_found)
    app.add_exception_handler(ReleaseConflictError, _answer_conflict)
    app.include_router(
        health_router(version=services.version, checks=checks, faults=services.faults, lifecycle=services.lifecycle)
    )
    releases = Releases(database=database, cache=services.cache, publish=services.publisher.publish, metrics=metrics)
    app.include_router(api_router(releases, services.faults))

    @app.get("/metrics")
    async def show_metrics() -> Response:
        return Response(metrics.text(), media_type=METRICS_MEDIA_TYPE)

    return app


async def _answer_not_found(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)


async def _answer_conflict(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=409)


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    # FastAPI's own answer repeats the input, which may not be text that can be encoded.
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]} for each in errors]
    return JSONResponse({"detail": detail}, status_code=422)
