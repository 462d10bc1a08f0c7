"""GitHub and GitLab in one small server: behind httpx.MockTransport, or on 127.0.0.1 with `serve`.

It knows what the delivery asks of them, and answers in their pages and shapes. `wrong` lists requests that it refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

Json = dict[str, Any]
TOKEN = "not-a-real-forge-token"
BOT = "github-actions[bot]"
REPOSITORY = "acme/release-manager"
LONGEST_COMMENT = 65_536
ID_TOKEN = "not.a-real.id-token"


@dataclass
class ForgeStandIn:
    """`fails` may answer a request in place of the forge: before it takes effect, or after it where `late` is set."""

    comments: list[Json] = field(default_factory=list)
    issues: list[Json] = field(default_factory=list)
    reviews: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    fails: Callable[[str, str], httpx.Response | None] = lambda _method, _path: None
    late: bool = False
    id_token: str = ID_TOKEN
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, text: str, login: str = BOT) -> Json:
        """Let somebody write a comment."""
        made = {"id": len(self.comments) + 1, "body": text, "user": {"login": login}, "author": {"id": 1}}
        made["html_url"] = f"https://github.example/{REPOSITORY}/pull/7#issuecomment-{made['id']}"
        self.comments.append(made)
        return made

    def handle(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            path = request.url.path
            self.asked.append(f"{request.method} {path}")
            failure = self.fails(request.method, path)
            if failure is not None and not self.late:
                return failure
            found = self._answer(request, path)
            return found if failure is None else failure

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/id-token":
            return httpx.Response(200, json={"value": self.id_token})
        signed = {request.headers.get("Authorization", ""), request.headers.get("PRIVATE-TOKEN", "")}
        if not signed & {f"Bearer {TOKEN}", TOKEN}:
            return self._refuse(request, 401)
        body: Json = json.loads(request.content) if request.content else {}
        if len(str(body.get("body", ""))) > LONGEST_COMMENT:
            return self._refuse(request, 422)
        facts = {"/user": {"id": 1}, "/approvals": self.reviews}
        fact = next((found for end, found in facts.items() if path.endswith(end)), None)
        if fact is not None:
            return httpx.Response(200, json=fact)
        return self._comment(request, path, body)

    def _comment(self, request: httpx.Request, path: str, body: Json) -> httpx.Response:
        if re.search(r"/(issues/7/comments|merge_requests/7/notes)$", path):
            if request.method == "GET":
                return self._page(request, self.comments)
            return httpx.Response(201, json=self.write(body["body"]))
        one = re.search(r"/(?:issues/comments|merge_requests/7/notes)/(\d+)$", path)
        if one:
            found = self.comments[int(one[1]) - 1]
            found.update(body)
            return httpx.Response(200, json=found)
        return self._issue(request, path, body)

    def _issue(self, request: httpx.Request, path: str, body: Json) -> httpx.Response:
        if path.endswith("/issues") and request.method == "GET":
            labels = set(parse_qs(urlsplit(str(request.url)).query)["labels"][0].split(","))
            wanted = [each for each in self.issues if labels <= set(each["labels"]) and each["state"] == "open"]
            return self._page(request, wanted)
        if path.endswith("/issues"):
            number = len(self.issues) + 1
            made = {**body, "number": number, "state": "open", "user": {"login": BOT}, "said": []}
            made["html_url"] = f"https://github.example/{REPOSITORY}/issues/{number}"
            self.issues.append(made)
            return httpx.Response(201, json=made)
        one = re.search(r"/issues/(\d+)(/comments)?$", path)
        if one is None:
            return self._refuse(request, 404)
        found = self.issues[int(one[1]) - 1]
        if one[2]:
            found["said"].append(body["body"])
        else:
            found.update(body)
        return httpx.Response(200, json=found)

    def _page(self, request: httpx.Request, items: list[Json]) -> httpx.Response:
        query = parse_qs(urlsplit(str(request.url)).query)
        each, page = int(query["per_page"][0]), int(query["page"][0])
        return httpx.Response(200, json=items[(page - 1) * each : page * each])

    def _refuse(self, request: httpx.Request, status: int) -> httpx.Response:
        self.wrong.append(f"{status} {request.method} {request.url.path}")
        return httpx.Response(status, json={"message": "no"})


@contextmanager
def serve(forge: ForgeStandIn) -> Iterator[str]:
    """Let the stand-in listen on 127.0.0.1, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            request = httpx.Request(self.command, f"http://127.0.0.1{self.path}", headers=dict(self.headers.items()))
            request = httpx.Request(request.method, request.url, headers=request.headers, content=content)
            answer = forge.handle(request)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
