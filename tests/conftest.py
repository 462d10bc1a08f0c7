"""What every test starts with."""

from __future__ import annotations

import asyncio
import inspect
import signal
from collections.abc import Iterator

import pytest


def pytest_configure() -> None:
    """Answer SIGINT even where the whole run was started in the background, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_event_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give each plain test an event loop of its own: Pulumi asks for the thread's, and other tests close theirs."""
    function = getattr(request.node, "function", None)
    if function is None or inspect.iscoroutinefunction(function):
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
