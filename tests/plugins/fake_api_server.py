"""An API server in memory, as far as the provider needs one: objects, dry runs, field managers, refusals."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Object = dict[str, Any]
KINDS = {
    "/api/v1": [("configmaps", "ConfigMap", True), ("secrets", "Secret", True), ("namespaces", "Namespace", False)],
    "/apis/batch/v1": [("jobs", "Job", True)],
    "/apis/apps/v1": [("deployments", "Deployment", True)],
}


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class FakeApiServer:
    """`refusals` answers a request instead of the server; `on_read` may change an object each time it is read."""

    objects: dict[str, Object] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    refusals: Callable[[Call], httpx.Response | None] = lambda _: None
    on_read: Callable[[Object], None] = lambda _: None
    kinds: dict[str, list[tuple[str, str, bool]]] = field(default_factory=lambda: dict(KINDS))
    _versions: Any = field(default_factory=lambda: itertools.count(1))

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="http://cluster", transport=httpx.MockTransport(self.handle))

    def changing_calls(self) -> list[Call]:
        return [call for call in self.calls if call.method != "GET" and call.query.get("dryRun") != "All"]

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        call = Call(request.method, request.url.path, dict(request.url.params), body)
        self.calls.append(call)
        refusal = self.refusals(call)
        if refusal is not None:
            return refusal
        if call.path == "/version":
            return httpx.Response(200, json={"gitVersion": "v1.34.2"})
        if call.path in self.kinds:
            names = ("name", "kind", "namespaced")
            resources = [dict(zip(names, entry, strict=True)) for entry in self.kinds[call.path]]
            return httpx.Response(200, json={"resources": resources})
        answers = {"GET": self._get, "POST": self._create, "PATCH": self._apply, "DELETE": self._delete}
        return answers[call.method](call)

    def _get(self, call: Call) -> httpx.Response:
        if call.path.rpartition("/")[2] in {plural for kinds in self.kinds.values() for plural, _, _ in kinds}:
            items = [item for path, item in self.objects.items() if path.startswith(call.path + "/")]
            return httpx.Response(200, json={"items": items})
        item = self.objects.get(call.path)
        if item is None:
            return refuse(404, "NotFound", f'"{call.path}" not found')
        self.on_read(item)
        return httpx.Response(200, json=item)

    def _create(self, call: Call) -> httpx.Response:
        path = f"{call.path}/{call.body['metadata']['name']}"
        if path in self.objects:
            return refuse(409, "AlreadyExists", f'"{path}" already exists')
        return self._store(path, call)

    def _apply(self, call: Call) -> httpx.Response:
        return self._store(call.path, call)

    def _delete(self, call: Call) -> httpx.Response:
        if self.objects.pop(call.path, None) is None:
            return refuse(404, "NotFound", "gone")
        return httpx.Response(200, json={"status": "Success"})

    def _store(self, path: str, call: Call) -> httpx.Response:
        old = self.objects.get(path, {})
        item = {**old, **call.body} if isinstance(call.body, dict) else old
        metadata = {"uid": "uid-1", **old.get("metadata", {}), **item.get("metadata", {})}
        item = {**item, "metadata": {**metadata, "resourceVersion": str(next(self._versions))}}
        if call.query.get("dryRun") != "All":
            self.objects[path] = item
        return httpx.Response(200, json=item)


def refuse(code: int, reason: str, message: str, **details: Any) -> httpx.Response:
    status = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    return httpx.Response(code, json=status)
