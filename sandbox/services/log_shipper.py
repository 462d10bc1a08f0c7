"""Ships the application's logs to the log store; runs beside it, in its pod, with Python's own library alone.

It follows the log of each pod of the application through the API server, as `kubectl logs --follow` does, and indexes
each line once: the line's own fields, and the namespace and pod that it came from.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SELECTOR = "app=release-manager"
SERVICE = "release-manager"
TEMPLATE = "release-manager-logs"
INDEX = "logs-release-manager"
POLL_SECONDS = 1.0
FLUSH_SECONDS = 1.0
REQUEST_SECONDS = 15.0
FOLLOW_SECONDS = 300.0
MOST_LINES_AT_ONCE = 500
MOST_WAITING = 20_000
# So many rounds, a second each, let every pod's log begin to arrive and be searchable.
CAUGHT_UP_ROUNDS = 4
KEPT_HOURS = 6
FORGOTTEN_EVERY_SECONDS = 600.0
KEYWORDS = ("level", "service", "version", "logger", "namespace", "pod", "method")
TROUBLES = (OSError, HTTPException, ValueError)

Json = dict[str, Any]
Pod = tuple[str, str]
# The place of a document in the store, and the document.
Entry = tuple[Json, Json]


def template() -> Json:
    """Return the index template: words that are searched by their exact value, and nothing that needs a second node."""
    fields: Json = {name: {"type": "keyword"} for name in KEYWORDS}
    fields |= {"@timestamp": {"type": "date"}, "message": {"type": "text"}, "exception": {"type": "text"}}
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    mappings = {"dynamic": True, "properties": fields}
    return {"index_patterns": ["logs-*"], "template": {"settings": settings, "mappings": mappings}}


def index_at(moment: str) -> str:
    """Return the index of the lines of that hour; `moment` is a time as the API server writes it."""
    return f"{INDEX}-{moment[:10]}-{moment[11:13]}"


def document(pod: Pod, line: str) -> Entry | None:
    """Return a log line as the API server gives it with its place in the store, None for an empty one.

    The line begins with the time at which the cluster got it. What is no JSON, as a traceback is, becomes a message.
    """
    at, _, text = line.partition(" ")
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"level": "ERROR" if text.startswith("Traceback ") else "INFO", "service": SERVICE, "message": text}
    namespace, name = pod
    # Nanoseconds are more than a date of the log store takes.
    found = {"@timestamp": f"{at[:23]}Z" if len(at) > 23 else at, **found, "namespace": namespace, "pod": name}
    identity = hashlib.sha256(f"{namespace}/{name} {line}".encode()).hexdigest()[:32]
    return {"_index": index_at(at), "_id": identity}, found


def bulk(documents: Sequence[Entry]) -> bytes:
    """Return the body of a bulk request. A line that is sent again takes its own place."""
    lines = []
    for place, found in documents:
        lines += [json.dumps({"index": place}), json.dumps(found)]
    return "".join(f"{line}\n" for line in lines).encode()


class ApiServer:
    """The API server as a pod reaches it."""

    def __init__(self) -> None:
        host = os.environ["KUBERNETES_SERVICE_HOST"]
        self._url = f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}/api/v1"
        self._context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))

    def pods(self) -> set[Pod]:
        """Return namespace and name of each pod of the application that has something to say."""
        with self._open("pods", {"labelSelector": SELECTOR}, REQUEST_SECONDS) as answer:
            items = json.load(answer)["items"]
        return {
            (item["metadata"]["namespace"], item["metadata"]["name"])
            for item in items
            if item.get("status", {}).get("phase") == "Running"
        }

    def follow(self, pod: Pod, since: str) -> Iterator[str]:
        """Yield the pod's log lines from `since` on, each with its time, until its container ends."""
        namespace, name = pod
        query = {"follow": "true", "timestamps": "true", **({"sinceTime": since} if since else {})}
        with self._open(f"namespaces/{namespace}/pods/{name}/log", query, FOLLOW_SECONDS) as answer:
            for line in answer:
                yield line.decode("utf-8", errors="replace").rstrip("\n")

    def _open(self, path: str, query: dict[str, str], seconds: float) -> Any:  # noqa: ANN401 - urllib names no type
        # The token is read each time, as it is renewed every hour.
        token = (ACCOUNT / "token").read_text(encoding="ascii")
        request = urllib.request.Request(f"{self._url}/{path}?{urllib.parse.urlencode(query)}")  # noqa: S310 - https
        request.add_header("Authorization", f"Bearer {token}")
        return urllib.request.urlopen(request, context=self._context, timeout=seconds)  # noqa: S310 - https


class LogStore:
    """The log store at `address`, by Elasticsearch's own API."""

    def __init__(self, address: str) -> None:
        self._address = address

    def prepare(self) -> None:
        """Let the indices of logs have the right fields."""
        self._send("PUT", f"_index_template/{TEMPLATE}", json.dumps(template()).encode())

    def add(self, documents: Sequence[Entry]) -> int:
        """Index the documents; return how many the store refused, as ill-formed ones."""
        answer = self._send("POST", "_bulk", bulk(documents), kind="application/x-ndjson")
        return sum(item["index"]["status"] >= 400 for item in answer["items"])

    def forget(self, now: datetime) -> None:
        """Delete the lines of the hours that are longer ago than six."""
        oldest = index_at((now - timedelta(hours=KEPT_HOURS)).isoformat())
        listed = self._send("GET", f"_cat/indices/{INDEX}-*?format=json&h=index")
        for name in sorted(found["index"] for found in listed):
            if name < oldest:
                self._send("DELETE", name)

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:  # noqa: ANN401
        request = urllib.request.Request(f"{self._address}/{path}", data=body, method=method)  # noqa: S310
        request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:  # noqa: S310 - its own pod
            return json.load(answer)


class Shipper:
    """Follows every pod in a thread of its own and indexes what they say, some hundred lines at a time."""

    def __init__(self, server: ApiServer, store: LogStore, tell: Callable[[str], None]) -> None:
        self._server = server
        self._store = store
        self._tell = tell
        self._waiting: queue.Queue[Entry] = queue.Queue(MOST_WAITING)
        self._followed: dict[Pod, str] = {}
        self._under_way: set[Pod] = set()

    def look(self) -> None:
        """Begin to follow each pod that nobody follows, from where it was left; forget those that are gone."""
        pods = self._server.pods()
        for pod in pods - self._under_way:
            self._under_way.add(pod)
            threading.Thread(target=self._follow, args=(pod,), daemon=True).start()
        for pod in set(self._followed) - pods - self._under_way:
            del self._followed[pod]

    def ship(self) -> int:
        """Index what waits, 500 lines at most, and return how many there were. Raises OSError where it must wait."""
        documents: list[Entry] = []
        while len(documents) < MOST_LINES_AT_ONCE:
            try:
                documents.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        if not documents:
            return 0
        try:
            refused = self._store.add(documents)
        except TROUBLES:
            for each in documents:
                self._put(each)
            raise
        if refused:
            self._tell(f"{refused} of {len(documents)} lines were refused")
        return len(documents)

    def _follow(self, pod: Pod) -> None:
        try:
            for line in self._server.follow(pod, self._followed.get(pod, "")):
                found = document(pod, line)
                if found is not None:
                    self._followed[pod] = line.partition(" ")[0]
                    self._put(found)
        except TROUBLES as error:
            self._tell(f"{pod[0]}/{pod[1]} cannot be followed: {error}")
        finally:
            time.sleep(POLL_SECONDS)
            self._under_way.discard(pod)

    def _put(self, found: Entry) -> None:
        try:
            self._waiting.put_nowait(found)
        except queue.Full:
            self._tell(f"a line of {found[1]['pod']} is lost: {MOST_WAITING} wait")


def main(address: str, ready: Path) -> None:
    """Ship to the log store at `address` for ever; `ready` is made once all that there was is shipped."""
    store = LogStore(address)
    shipper = Shipper(ApiServer(), store, _tell)
    prepared, forgotten_at, rounds = False, time.monotonic(), 0
    # The container before may have left it.
    ready.unlink(missing_ok=True)
    while True:
        try:
            if not prepared:
                store.prepare()
                prepared = True
                _tell("ships")
            shipper.look()
            while shipper.ship():
                continue
            rounds += 1
            if rounds == CAUGHT_UP_ROUNDS:
                ready.touch()
                _tell("has caught up")
            if time.monotonic() - forgotten_at > FORGOTTEN_EVERY_SECONDS:
                forgotten_at = time.monotonic()
                store.forget(datetime.now(UTC))
        except TROUBLES as error:
            _tell(f"trying again: {error}")
        time.sleep(FLUSH_SECONDS)


def _tell(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
