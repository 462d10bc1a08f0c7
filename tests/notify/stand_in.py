"""Slack, PagerDuty, an incident webhook and Grafana in one small server that checks what their documentation asks for.

It stands behind httpx.MockTransport, or on 127.0.0.1. A request of the wrong shape is answered as the real one would
refuse it, and stands in `wrong`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

Json = dict[str, Any]
SLACK_TOKEN = "xoxb-not-a-real-token"
ROUTING_KEY = "0123456789abcdefNOTREALabcdef012"
REST_TOKEN = "not-a-real-rest-token"
INCIDENT_TOKEN = "not-a-real-incident-token"
GRAFANA_TOKEN = "glsa_not-a-real-token"
TOKENS = (SLACK_TOKEN, ROUTING_KEY, REST_TOKEN, INCIDENT_TOKEN, GRAFANA_TOKEN)
CHANNEL_ID = "C0RELEASES"
_JSON = "application/json"


@dataclass(frozen=True)
class Reply:
    status: int
    body: Json | bytes = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json


@dataclass
class StandIn:
    """`fails` may answer a request in place of the service; `hangs` lets those to a path wait until it is let go."""

    asked: list[Asked] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    messages: dict[str, Json] = field(default_factory=dict)
    alerts: dict[str, Json] = field(default_factory=dict)
    changes: list[Json] = field(default_factory=list)
    incidents: list[Json] = field(default_factory=list)
    annotations: list[Json] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    acknowledgements: list[Json] = field(default_factory=list)
    fails: Callable[[Asked], Reply | None] = lambda _asked: None
    hangs: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
        if self.hangs and asked.path.startswith(self.hangs):
            self.let_go.wait(30)
        failure = self.fails(asked)
        if failure is not None:
            return failure
        handlers = {
            "/slack/chat.postMessage": self._posted,
            "/slack/chat.update": self._updated,
            "/slack/reactions.get": self._reactions,
            "/pagerduty/v2/enqueue": self._enqueued,
            "/pagerduty/v2/change/enqueue": self._changed,
            "/pagerduty-rest/incidents": self._listed,
            "/incident/hook": self._declared,
            "/grafana/api/annotations": self._annotated,
        }
        handler = handlers.get(asked.path)
        if handler is None:
            self.wrong.append(f"nothing is at {asked.method} {asked.path}")
            return Reply(404)
        with self._lock:
            return handler(asked)

    def texts(self, *, thread: bool = False) -> list[str]:
        """Return the texts of the messages of the channel, or of their threads, in their order."""
        return [each["text"] for each in self.messages.values() if bool(each.get("thread_ts")) is thread]

    def actions(self) -> list[tuple[str, str]]:
        """Return action and key of each event that PagerDuty got."""
        bodies = [each.body for each in self.asked if each.path == "/pagerduty/v2/enqueue"]
        return [(each["event_action"], each["dedup_key"]) for each in bodies]

    def _expect(self, asked: Asked, right: bool, what: str) -> bool:  # noqa: FBT001
        if not right:
            self.wrong.append(f"{asked.method} {asked.path}: {what}")
        return right

    def _slack(self, asked: Asked, *, method: str = "POST") -> Reply | None:
        self._expect(asked, asked.method == method, f"{method} is wanted")
        if method == "POST":
            self._expect(asked, asked.headers.get("content-type") == f"{_JSON}; charset=utf-8", "JSON with a charset")
        if asked.headers.get("authorization") != f"Bearer {SLACK_TOKEN}":
            return Reply(200, {"ok": False, "error": "invalid_auth"})
        self._expect(asked, "token" not in asked.body, "the token does not belong into JSON")
        return None

    def _posted(self, asked: Asked) -> Reply:
        refused = self._slack(asked)
        if refused is not None:
            return refused
        body, known = asked.body, {"channel", "text", "thread_ts", "reply_broadcast", "unfurl_links", "unfurl_media"}
        self._expect(asked, set(body) <= known, f"unknown arguments {set(body) - known}")
        if body.get("channel") not in {"#releases", CHANNEL_ID}:
            return Reply(200, {"ok": False, "error": "channel_not_found"})
        self._expect_text(asked)
        if "reply_broadcast" in body:
            self._expect(asked, "thread_ts" in body, "reply_broadcast goes with thread_ts")
        if "thread_ts" in body and body["thread_ts"] not in self.messages:
            return Reply(200, {"ok": False, "error": "thread_not_found"})
        ts = f"17000000{len(self.messages):02d}.000100"
        self.messages[ts] = dict(body)
        return Reply(200, {"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": {"text": body["text"]}})

    def _updated(self, asked: Asked) -> Reply:
        refused = self._slack(asked)
        if refused is not None:
            return refused
        # Unlike chat.postMessage it knows no name of a channel.
        if asked.body.get("channel") != CHANNEL_ID:
            return Reply(200, {"ok": False, "error": "channel_not_found"})
        self._expect_text(asked)
        if asked.body.get("ts") not in self.messages:
            return Reply(200, {"ok": False, "error": "message_not_found"})
        self.messages[asked.body["ts"]]["text"] = asked.body["text"]
        return Reply(200, {"ok": True, "channel": CHANNEL_ID, "ts": asked.body["ts"], "text": asked.body["text"]})

    def _expect_text(self, asked: Asked) -> None:
        text = asked.body.get("text")
        self._expect(asked, isinstance(text, str) and 0 < len(text) <= 4000, "text of 1 to 4000 characters")
        plain = re.sub(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>|&(amp|lt|gt);", "", str(text))
        self._expect(asked, not set(plain) & set("<>&"), "<, > and & are escaped but for mentions")

    def _reactions(self, asked: Asked) -> Reply:
        refused = self._slack(asked, method="GET")
        if refused is not None:
            return refused
        ts = asked.query.get("timestamp", "")
        self._expect(asked, asked.query.get("channel") == CHANNEL_ID, "the ID of the channel")
        if ts not in self.messages:
            return Reply(200, {"ok": False, "error": "message_not_found"})
        users = self.reactions.get(ts, [])
        found = [{"name": "eyes", "users": users, "count": len(users)}] if users else []
        message = {"type": "message", "ts": ts, **({"reactions": found} if found else {})}
        return Reply(200, {"ok": True, "type": "message", "channel": CHANNEL_ID, "message": message})

    def _enqueued(self, asked: Asked) -> Reply:
        body, key = asked.body, str(asked.body.get("dedup_key", ""))
        self._expect(asked, asked.method == "POST", "POST is wanted")
        self._expect(asked, asked.headers.get("content-type") == _JSON, "JSON is wanted")
        self._expect(asked, 0 < len(key) <= 255, "dedup_key of 1 to 255 characters")
        if body.get("routing_key") != ROUTING_KEY or len(ROUTING_KEY) != 32:
            errors = ["Length of 'routing_key' is incorrect (should be 32 characters)"]
            return Reply(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        action = body.get("event_action")
        self._expect(asked, action in {"trigger", "acknowledge", "resolve"}, f"event_action is {action}")
        if action == "trigger":
            self._expect_payload(asked)
            self.alerts.setdefault(key, {"status": "triggered", "events": []})["events"].append(body["payload"])
        elif key in self.alerts:
            self.alerts[key]["status"] = f"{action}d"
        return Reply(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _changed(self, asked: Asked) -> Reply:
        if asked.body.get("routing_key") != ROUTING_KEY:
            return Reply(400, {"status": "invalid event", "message": "Event object is invalid"})
        payload = asked.body.get("payload", {})
        self._expect(asked, set(asked.body) <= {"routing_key", "payload", "links"}, f"it has {set(asked.body)}")
        known = {"summary", "source", "timestamp", "custom_details"}
        self._expect(asked, {"summary"} <= set(payload) <= known, f"payload has {set(payload)}")
        self._expect(asked, 0 < len(payload.get("summary", "")) <= 1024, "summary of 1 to 1024 characters")
        self.changes.append(payload)
        return Reply(202, {"status": "success", "message": "Change event processed"})

    def _expect_payload(self, asked: Asked) -> None:
        payload = asked.body.get("payload", {})
        known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
        self._expect(asked, {"summary", "source", "severity"} <= set(payload) <= known, f"payload has {set(payload)}")
        self._expect(asked, 0 < len(payload.get("summary", "")) <= 1024, "summary of 1 to 1024 characters")
        self._expect(asked, payload.get("severity") in {"critical", "error", "warning", "info"}, "a known severity")
        self._expect(asked, datetime.fromisoformat(payload["timestamp"]).tzinfo is not None, "timestamp with a zone")
        self._expect(asked, isinstance(payload.get("custom_details"), dict), "custom_details is an object")

    def _listed(self, asked: Asked) -> Reply:
        self._expect(asked, asked.method == "GET", "GET is wanted")
        self._expect(asked, asked.headers.get("accept") == "application/vnd.pagerduty+json;version=2", "Accept")
        if asked.headers.get("authorization") != f"Token token={REST_TOKEN}":
            return Reply(401, {"error": {"message": "Unauthorized", "code": 2006}})
        key = asked.query.get("incident_key", "")
        status = self.alerts.get(key, {}).get("status")
        found = {"id": "PT4KHLK", "status": status, "incident_key": key, "acknowledgements": self.acknowledgements}
        return Reply(200, {"incidents": [found] if status else [], "limit": 25, "offset": 0, "more": False})

    def _declared(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {INCIDENT_TOKEN}":
            return Reply(401)
        wanted = {"event", "key", "severity", "users_hurt", "text", "what", "version", "where", "why", "next", "at"}
        self._expect(asked, set(asked.body) == wanted | {"actions"}, f"it has {set(asked.body)}")
        self.incidents.append(asked.body)
        return Reply(204, b"")

    def _annotated(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {GRAFANA_TOKEN}":
            return Reply(401, {"message": "Unauthorized"})
        body = asked.body
        self._expect(asked, asked.method == "POST", "POST is wanted")
        self._expect(asked, asked.headers.get("content-type") == _JSON, "JSON is wanted")
        self._expect(asked, set(body) <= {"dashboardUID", "panelId", "time", "timeEnd", "tags", "text"}, "known fields")
        self._expect(asked, isinstance(body.get("time"), int) and body["time"] > 10**12, "time in milliseconds")
        self._expect(asked, all(isinstance(tag, str) for tag in body.get("tags", [])), "tags are texts")
        if not body.get("text"):
            return Reply(400, {"message": "Failed to save annotation"})
        self.annotations.append(body)
        return Reply(200, {"message": "Annotation added", "id": len(self.annotations)})

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._mocked)

    def _mocked(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(request.content) if request.content else {}
        asked = Asked(request.method, request.url.path, dict(request.url.params), headers, body)
        reply = self.answer(asked)
        return httpx.Response(reply.status, content=reply.content, headers=reply.headers)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Give the address at which it answers on this machine, until the body ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            self.let_go.set()
            server.shutdown()
            server.server_close()


def settings(address: str, **changes: Json | None) -> Json:
    """Return the settings under which all four are told at `address`; None takes one of them away."""
    found: dict[str, Json | None] = {
        "slack": {"channel": "#releases", "token": SLACK_TOKEN, "api": f"{address}/slack"},
        "pagerduty": {
            "routing_key": ROUTING_KEY,
            "api": f"{address}/pagerduty",
            "token": REST_TOKEN,
            "rest_api": f"{address}/pagerduty-rest",
        },
        "incident": {"url": f"{address}/incident/hook", "token": INCIDENT_TOKEN},
        "grafana": {"url": f"{address}/grafana", "token": GRAFANA_TOKEN, "dashboard": "release-manager"},
        "escalation": {"response_team": "@S0RESPONSE"},
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(content) if content else {}
            reply = stand_in.answer(Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, body))
            try:
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.content)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
