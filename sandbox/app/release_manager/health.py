"""What the process says about itself: /health for people and gates, /livez and /readyz for probes."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from release_manager.faults import Faults
from release_manager.json_logs import utc_timestamp
from release_manager.lifecycle import Lifecycle

OK = "ok"
CHECK_TIMEOUT_SECONDS = 1.0
READINESS_MAX_AGE_SECONDS = 0.5
LONGEST_REASON = 120

log = logging.getLogger(__name__)


class Checks:
    """Asks the dependencies, all at once, and waits a second at most.

    A dependency is never asked twice at the same time: who asks meanwhile gets the answer of the question
    that is under way, so that a hanging dependency holds one thread, however often /health is called.
    """

    def __init__(
        self,
        checks: Mapping[str, Callable[[], None]],
        *,
        timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = dict(checks)
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._executor = ThreadPoolExecutor(max_workers=len(self._checks), thread_name_prefix="check")
        self._under_way: dict[str, asyncio.Future[str]] = {}
        self._last: dict[str, tuple[float, str]] = {}

    async def run(self) -> dict[str, str]:
        """Return "ok" or a short reason for each dependency."""
        asked = {name: self._ask(name) for name in self._checks}
        await asyncio.wait(asked.values(), timeout=self._timeout_seconds)
        return {name: self._answer(future) for name, future in asked.items()}

    async def recent(self, name: str, *, max_age_seconds: float) -> str:
        """Return the last answer of one dependency when it is young enough, and else a new one."""
        known = self._last.get(name)
        if known is not None and self._monotonic() - known[0] <= max_age_seconds:
            return known[1]
        future = self._ask(name)
        await asyncio.wait([future], timeout=self._timeout_seconds)
        return self._answer(future)

    def close(self) -> None:
        """Ask nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ask(self, name: str) -> asyncio.Future[str]:
        future = self._under_way.get(name)
        if future is None or future.done():
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._executor, _result, self._checks[name])
            future.add_done_callback(lambda done: self._remember(name, done))
            self._under_way[name] = future
        return future

    def _remember(self, name: str, done: asyncio.Future[str]) -> None:
        if done.cancelled():
            return
        answer = done.result()
        _, before = self._last.get(name, (0.0, OK))
        if answer != before:
            level = logging.INFO if answer == OK else logging.WARNING
            log.log(level, "the check of %s answers: %s", name, answer)
        self._last[name] = (self._monotonic(), answer)

    def _answer(self, future: asyncio.Future[str]) -> str:
        return future.result() if future.done() else f"no answer within {self._timeout_seconds:g} s"


def health_router(*, version: str, checks: Checks, faults: Faults, lifecycle: Lifecycle) -> APIRouter:
    """Return the routes of health and probes.

    Readiness asks the database itself and not FAULT_DEPENDENCY: a version that lies in /health is to be found
    by whoever reads /health, while it serves.
    """
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        answers = await checks.run()
        if faults.dependency:
            answers[faults.dependency] = "failing by fault"
        healthy = all(answer == OK for answer in answers.values())
        return JSONResponse(
            {
                "status": "healthy" if healthy else "unhealthy",
                "version": faults.health_version or version,
                "timestamp": utc_timestamp(datetime.now(UTC)),
                "checks": answers,
            },
            status_code=200 if healthy else 503,
            headers={"Cache-Control": "no-store"},
        )

    @router.get("/livez")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz")
    async def ready() -> JSONResponse:
        reason = lifecycle.reason_not_ready()
        if not reason:
            answer = await checks.recent("database", max_age_seconds=READINESS_MAX_AGE_SECONDS)
            reason = "" if answer == OK else f"database: {answer}"
        if reason:
            return JSONResponse({"status": "not ready", "reason": reason}, status_code=503)
        return JSONResponse({"status": "ready"})

    return router


def _result(check: Callable[[], None]) -> str:
    try:
        check()
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 (a check may fail in any way; its text is the answer)
        return short_reason(error)
    return OK


def short_reason(error: BaseException) -> str:
    """Return the first line of what went wrong, 120 characters at most."""
    cause = getattr(error, "orig", None) or error
    first_line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return first_line[:LONGEST_REASON]
