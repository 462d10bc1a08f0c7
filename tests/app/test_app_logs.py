"""Logs are one JSON object a line, in the names that the log store's queries use."""

import asyncio
import io
import json
import logging
from collections.abc import Generator
from datetime import datetime, timedelta

import pytest
from release_manager.heartbeat import EVERY_SECONDS, beat
from release_manager.json_logs import configure_logs


@pytest.fixture
def stream() -> Generator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    buffer = io.StringIO()
    configure_logs(version="v1", level="INFO", stream=buffer)
    yield buffer
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_has_the_fields_that_are_searched(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("hello %s", "world")
    (line,) = lines(stream)
    assert (line["service"], line["level"], line["message"], line["version"]) == (
        "release-manager",
        "INFO",
        "hello world",
        "v1",
    )
    assert datetime.fromisoformat(str(line["@timestamp"])).utcoffset() == timedelta(0)


def test_levels_are_the_three_words(stream: io.StringIO) -> None:
    log = logging.getLogger("x")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "x")
    assert [line["level"] for line in lines(stream)] == ["INFO", "WARN", "ERROR", "ERROR"]


def test_an_exception_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed\nhere")
    (line,) = lines(stream)
    assert line["message"] == "failed\nhere"
    assert "ValueError: invalid literal" in str(line["exception"])


def test_a_call_adds_fields_and_cannot_replace_the_known_ones(stream: io.StringIO) -> None:
    logging.getLogger("x").info("GET /", extra={"fields": {"status": 200, "message": "replaced"}})
    (line,) = lines(stream)
    assert (line["status"], line["message"]) == (200, "GET /")


def test_a_line_a_minute_tells_that_logs_arrive_where_nobody_asks_anything(stream: io.StringIO) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(beat(sleep))
    assert slept == [EVERY_SECONDS] * 3
    assert [line["message"] for line in lines(stream)] == ["at work for 1 min", "at work for 2 min"]
