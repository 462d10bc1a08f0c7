"""A call that hangs holds up nobody who does not want to wait for it."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest

from checks.daemon_pool import DaemonPool


def test_what_a_call_returns_or_raises_is_in_its_future() -> None:
    pool = DaemonPool(2, name="test")
    assert pool.submit(lambda: 7).result(5) == 7
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(5)
    assert pool.submit(lambda: "still there").result(5) == "still there"
    pool.close()


def test_no_more_calls_run_at_once_than_there_are_workers_and_a_cancelled_one_is_never_made() -> None:
    pool, go, made = DaemonPool(2, name="test"), threading.Event(), list[int]()
    hanging = [pool.submit(lambda: go.wait(5)) for _ in range(2)]
    later = pool.submit(lambda: made.append(1))
    assert not wait([later], timeout=0.05).done
    assert later.cancel()
    go.set()
    assert len(wait(hanging, timeout=5).done) == 2
    pool.submit(lambda: made.append(2)).result(5)
    assert made == [2]
    pool.close()


def test_its_threads_keep_no_process_alive_and_end_when_it_is_closed() -> None:
    pool = DaemonPool(3, name="closing")
    wait([pool.submit(threading.current_thread) for _ in range(3)], timeout=5)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("closing-")]
    assert threads
    assert all(thread.daemon for thread in threads)
    pool.close()
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
