"""What surrounds every request: counting, timing, the access log, and the answer to an unhandled error."""

import logging
import time
from collections.abc import Callable

from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from release_manager.faults import InjectedError
from release_manager.health import short_reason
from release_manager.lifecycle import Lifecycle
from release_manager.metrics import Metrics

UNCOUNTED_PATHS = frozenset({"/health", "/livez", "/readyz", "/metrics"})
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
# Who sees an answer, a client or a proxy's log, can tell which version gave it.
VERSION_HEADER = "X-Release-Version"

log = logging.getLogger("release_manager.access")


class ObserveRequests:
    """ASGI middleware. `version` is named in every answer; `perf_counter` gives seconds."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        version: str,
        metrics: Metrics,
        lifecycle: Lifecycle,
        perf_counter: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._version = version
        self._metrics = metrics
        self._lifecycle = lifecycle
        self._perf_counter = perf_counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or pass on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[VERSION_HEADER] = self._version
                if self._lifecycle.draining:
                    # The client opens its next connection elsewhere instead of losing this one in mid-request.
                    headers["Connection"] = "close"
            await send(message)

        error_type = ""
        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            # The last stop before the server: any error becomes an answer and a line of the log.
            error_type, answer = _answer(error)
            reason = short_reason(error)
            log.exception("%s %s failed: %s", scope["method"], scope["path"], reason)
            if status == 0:
                await answer(scope, receive, watch)
            status = max(status, answer.status_code)
        self._record(scope, status, error_type, self._perf_counter() - started)

    def _record(self, scope: Scope, status: int, error_type: str, seconds: float) -> None:
        path, method = scope["path"], scope["method"]
        counted = path not in UNCOUNTED_PATHS
        log.log(
            logging.INFO if counted else logging.DEBUG,
            "%s %s %d",
            method,
            path,
            status,
            extra={
                "fields": {
                    "method": method,
                    "path": path,
                    "status": status,
                    "duration_ms": round(seconds * 1000, 2),
                }
            },
        )
        if not counted:
            return
        # Only what is declared becomes a label: paths and methods that clients make up would grow without end.
        route = getattr(scope.get("route"), "path", UNMATCHED)
        known_method = method if method in KNOWN_METHODS else "OTHER"
        self._metrics.requests.labels(known_method, route, str(status)).inc()
        self._metrics.request_seconds.observe(seconds)
        if status >= 500:
            self._metrics.errors.labels(error_type or "internal").inc()


def _answer(error: Exception) -> tuple[str, JSONResponse]:
    if isinstance(error, InjectedError):
        return "injected", JSONResponse({"detail": str(error)}, status_code=500)
    if isinstance(error, SQLAlchemyError):
        return "database", JSONResponse({"detail": "the database cannot answer now"}, status_code=503)
    return "internal", JSONResponse({"detail": "internal error"}, status_code=500)
