"""What every test starts with."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
from collections.abc import Generator

import pytest


def pytest_configure() -> None:
    """Answer SIGINT even where the whole run was started in the background, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let no later search for garbage go through all that the tests and what they test consist of."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Give each plain test an event loop of its own: Pulumi asks for the thread's, and other tests close theirs.

    Around the whole test, not as a fixture: fixtures of a module are made before those of a test, and some of them
    declare resources.
    """
    function = getattr(item, "function", None)
    if function is None or inspect.iscoroutinefunction(function):
        return (yield)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return (yield)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
