"""Events survive a broker that goes away, keep their order, and never make a request wait."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from release_manager.message_queue import BrokerError, Event, Publisher

from tests.app.app_fakes import FakeBroker

LONGEST_WAIT_SECONDS = 5.0


def event(number: int) -> Event:
    return Event("release.created", number, f"v{number}", None, datetime(2026, 1, 2, tzinfo=UTC))


def publisher_on(broker: FakeBroker, failures: list[int], *, capacity: int = 10) -> Publisher:
    return Publisher(broker, count_failure=lambda: failures.append(1), capacity=capacity, retry_seconds=0.01)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the publisher did not get there"
        time.sleep(0.002)


def test_events_wait_for_the_broker_and_arrive_in_their_order() -> None:
    broker, failures = FakeBroker(), list[int]()
    broker.away = True
    publisher = publisher_on(broker, failures)
    publisher.start()
    for number in (1, 2, 3):
        publisher.publish(event(number))
    wait_until(lambda: broker.attempts >= 2)
    broker.away = False
    wait_until(lambda: len(broker.events) == 3)
    publisher.close()
    assert [json.loads(body)["release_id"] for _, body in broker.events] == [1, 2, 3]
    assert len(failures) == 1, "the loss of the broker counts once, not once an attempt"


def test_a_full_queue_drops_events_and_counts_them() -> None:
    failures = list[int]()
    publisher = publisher_on(FakeBroker(), failures, capacity=2)
    for number in range(5):
        publisher.publish(event(number))
    assert len(failures) == 3


def test_closing_publishes_what_waits() -> None:
    broker = FakeBroker()
    publisher = publisher_on(broker, [])
    for number in (1, 2):
        publisher.publish(event(number))
    publisher.start()
    publisher.close()
    assert len(broker.events) == 2
    assert broker.closed


def test_the_check_answers_for_the_broker() -> None:
    broker = FakeBroker()
    publisher = publisher_on(broker, [])
    publisher.start()
    publisher.check()
    broker.away = True
    with pytest.raises(BrokerError, match="connection refused"):
        publisher.check()
    publisher.close()
