"""The answer of a server to one question: whole, within its time and its size, or none."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from functools import partial

import httpx

from checks.daemon_pool import DaemonPool
from checks.reader import Unreachable


@dataclass
class WholeAnswers:
    """Asks the server that people know as `name`, in at most `workers` threads at once.

    Every answer is there within `timeout_seconds` and has `limit_bytes` at most. `client` stays open.
    """

    name: str
    client: httpx.Client
    timeout_seconds: float
    limit_bytes: int
    workers: int
    _pool: DaemonPool = field(init=False)

    def __post_init__(self) -> None:
        self._pool = DaemonPool(self.workers, name=self.name)

    def close(self) -> None:
        """Let the threads end. Waits for none of them."""
        self._pool.close()

    def ask(self, request: httpx.Request) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Raises Unreachable: for a server that cannot be reached, that is silent, that sends byte after byte without an
        end, too many of them, or compressed ones.
        """
        # httpx bounds each read, but not how many there are: only whoever waits outside can bound the whole answer.
        given_up = threading.Event()
        future = self._pool.submit(partial(self._read, request, given_up))
        wait([future], timeout=self.timeout_seconds)
        if not future.done():
            given_up.set()
            future.cancel()
            raise Unreachable(f"{self.name} gave no whole answer within {self.timeout_seconds:g} s")
        try:
            return future.result()
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.name} gives no answer: {str(error) or type(error).__name__}") from error

    def request(
        self, method: str, url: httpx.URL, parameters: Mapping[str, str], content: bytes = b""
    ) -> httpx.Request:
        """Return a question for JSON, with JSON where `content` is given."""
        # Compressed, a small answer may be a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if content:
            headers["Content-Type"] = "application/json"
        return self.client.build_request(
            method,
            url,
            params=dict(parameters) or None,
            content=content or None,
            headers=headers,
            timeout=self.timeout_seconds,
        )

    def _read(self, request: httpx.Request, given_up: threading.Event) -> tuple[int, bytes]:
        body = bytearray()
        answer = self.client.send(request, stream=True, follow_redirects=False)
        try:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise Unreachable(f"{self.name} answers compressed though it was asked not to")
            for chunk in answer.iter_bytes():
                body += chunk
                if given_up.is_set():
                    break
                if len(body) > self.limit_bytes:
                    raise Unreachable(f"{self.name} answers more than {self.limit_bytes} bytes")
            return answer.status_code, bytes(body)
        finally:
            answer.close()
