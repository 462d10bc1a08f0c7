"""Takes every message that is posted to it, and tells what it took; runs in its pod, with Python's own library alone.

POST /<whom>... is a message to whom; GET /<whom> answers those messages as JSON, oldest first, each with the time at
which it came (seconds since the epoch) and its body. The newest few hundred of each are kept, in memory.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEPT = 300
LARGEST_BYTES = 1_000_000
SILENCE_SECONDS = 30


class Received:
    """The messages, by whom they were for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: defaultdict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=KEPT))

    def take(self, whom: str, message: dict[str, Any]) -> None:
        """Keep one message."""
        with self._lock:
            self._messages[whom].append(message)

    def of(self, whom: str) -> list[dict[str, Any]]:
        """Return what is kept of one, oldest first."""
        with self._lock:
            return list(self._messages.get(whom, ()))


class Handler(BaseHTTPRequestHandler):
    """One connection; `received` is shared by all."""

    received = Received()
    timeout = SILENCE_SECONDS
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a message."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST_BYTES:
            self._answer(413, {"error": f"a body has from 1 to {LARGEST_BYTES} bytes"})
            return
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            self._answer(400, {"error": "the body is no JSON"})
            return
        self.received.take(self._whom, {"at": time.time(), "path": self.path, "body": body})
        # What Slack and PagerDuty answer, in one.
        self._answer(202 if self._whom == "pagerduty" else 200, {"ok": True, "status": "success"})

    def do_GET(self) -> None:
        """Tell what was taken."""
        self._answer(200, self.received.of(self._whom))

    @property
    def _whom(self) -> str:
        return self.path.strip("/").partition("/")[0]

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002, ANN401 - as the library calls it
        """Say nothing: what comes every minute would fill the log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
