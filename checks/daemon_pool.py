"""Calls that may hang, run beside the one who asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class DaemonPool:
    """Runs calls in at most `workers` threads that never keep the process from ending.

    The executor of the standard library does: at exit it waits for every call, however long one hangs. Whoever asks
    waits for the future as long as it likes and cancels it then: a call that has not begun is never made.
    """

    def __init__(self, workers: int, *, name: str) -> None:
        self._workers = workers
        self._name = name
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, call: Callable[[], Result]) -> Future[Result]:
        """Begin `call` as soon as a thread is free; return the future of what it returns or raises."""
        future: Future[Result] = Future()
        self._tasks.put(partial(_run, call, future))
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Let each thread end after the call that it is in. Waits for none of them."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def _run(call: Callable[[], Result], future: Future[Result]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it is raised again where the future is asked
        future.set_exception(error)
    else:
        future.set_result(result)
