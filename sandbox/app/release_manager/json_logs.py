"""Logs as JSON, one object a line, in the field names that the log store searches by."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

SERVICE = "release-manager"
FIELDS_ATTRIBUTE = "fields"
LEVEL_NUMBERS = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    Passing `extra={"fields": {...}}` to a log call adds those keys to the line.
    """

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its line end."""
        line: dict[str, object] = {
            "@timestamp": utc_timestamp(datetime.fromtimestamp(record.created, UTC)),
            "level": _level_word(record.levelno),
            "service": SERVICE,
            "message": record.getMessage(),
            "version": self._version,
            "logger": record.name,
        }
        fields = getattr(record, FIELDS_ATTRIBUTE, None)
        if isinstance(fields, dict):
            line |= {key: value for key, value in fields.items() if key not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(*, version: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log of the process, its libraries' too, to `stream` (standard output when not given)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(version))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVEL_NUMBERS[level])
    # pika tells each step of each connection attempt at INFO and each failed one with a traceback; the
    # message queue's own module says once what matters.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def utc_timestamp(moment: datetime) -> str:
    """Return the moment in ISO 8601, UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level_word(number: int) -> str:
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARN"
    return "INFO" if number >= logging.INFO else "DEBUG"
