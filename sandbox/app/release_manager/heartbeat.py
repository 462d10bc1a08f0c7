"""A line a minute, also where nobody asks anything: logs in which it is missing do not arrive any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

EVERY_SECONDS = 60.0

log = logging.getLogger(__name__)


async def beat(sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
    """Log that the process is at work, each minute until it is cancelled."""
    minutes = 0
    while True:
        await sleep(EVERY_SECONDS)
        minutes += 1
        log.info("at work for %d min", minutes)
