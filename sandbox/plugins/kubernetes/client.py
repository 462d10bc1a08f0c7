"""Requests to the API server, object by object, as raw JSON."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx

from sandbox.plugins.kubernetes.discovery import Discovery, Resource
from sandbox.plugins.kubernetes.errors import ApiError, ProviderError, UnreachableError
from sandbox.plugins.kubernetes.objects import DEFAULT_NAMESPACE, Kind, Object, copy_of, kind_of, name_of, namespace_of

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"


class Cluster:
    """One Kubernetes cluster."""

    def __init__(self, client: httpx.Client, server: str) -> None:
        self._client = client
        self.server = server
        self.discovery = Discovery(lambda path: self.request("GET", path))

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Any:  # noqa: ANN401 - JSON values have no closer type
        """Send one request and return the JSON of the answer; raises ApiError or UnreachableError."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if content is not None else {})
        try:
            answer = self._client.request(method, path, params=query, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise UnreachableError(f'{method} "{self.server}{path}": {error or type(error).__name__}') from error
        try:
            payload = answer.json() if answer.content else {}
        except ValueError:
            payload = {"message": answer.text.strip()}
        if answer.is_error:
            raise ApiError(answer.status_code, payload if isinstance(payload, dict) else {})
        return payload

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return a live object."""
        return self._object(self.request("GET", self._resource(kind).path(namespace or DEFAULT_NAMESPACE, name)))

    def list_all(self, kind: Kind, namespace: str) -> list[Object]:
        """Return all live objects of a kind in a namespace; they carry no kind of their own."""
        answer = self.request("GET", self._resource(kind).path(namespace or DEFAULT_NAMESPACE))
        return [self._object(item) for item in answer.get("items") or []]

    def read(self, item: Object) -> Object:
        """Return the live version of an object."""
        return self.get(kind_of(item), namespace_of(item), name_of(item))

    def create(self, item: Object, *, manager: str, dry_run: bool = False) -> Object:
        """Create an object; raises ApiError with reason AlreadyExists where there is one of that name."""
        resource, placed = self._placed(item)
        query = {"fieldManager": manager, "fieldValidation": "Warn"} | _dry(dry_run=dry_run)
        path = resource.path(namespace_of(placed))
        return self._object(self.request("POST", path, query=query, body=placed))

    def apply(self, item: Object, *, manager: str, force: bool, dry_run: bool = False) -> Object:
        """Declare an object's fields with server-side apply; raises ApiError with reason Conflict."""
        resource, placed = self._placed(item)
        query = {"fieldManager": manager, "force": str(force).lower()} | _dry(dry_run=dry_run)
        path = resource.path(namespace_of(placed), name_of(placed))
        return self._object(self.request("PATCH", path, query=query, body=placed, content_type=APPLY))

    def replace(self, item: Object, *, manager: str, dry_run: bool = False) -> Object:
        """Put a whole object in the place of the live one; it must carry that one's resourceVersion."""
        resource, placed = self._placed(item)
        query = {"fieldManager": manager} | _dry(dry_run=dry_run)
        path = resource.path(namespace_of(placed), name_of(placed))
        return self._object(self.request("PUT", path, query=query, body=placed))

    def patch(self, item: Object, patch: list[Object]) -> Object:
        """Change a live object by a JSON patch."""
        resource, placed = self._placed(item)
        path = resource.path(namespace_of(placed), name_of(placed))
        return self._object(self.request("PATCH", path, body=patch, content_type=JSON_PATCH))

    def delete(self, item: Object, *, propagation: str) -> None:
        """Ask for an object to be deleted; it may take its time."""
        resource, placed = self._placed(item)
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        self.request("DELETE", resource.path(namespace_of(placed), name_of(placed)), body=options)

    def knows(self, kind: Kind) -> bool:
        """Tell whether the server has a kind; False also where it cannot be asked."""
        try:
            self._resource(kind)
        except ProviderError:
            return False
        return True

    def _resource(self, kind: Kind) -> Resource:
        return self.discovery.find(kind)

    def _placed(self, item: Object) -> tuple[Resource, Object]:
        """Return an object with the namespace that its kind demands: `default` or none."""
        resource = self._resource(kind_of(item))
        placed: Object = copy_of(item)
        if resource.namespaced:
            placed.setdefault("metadata", {})["namespace"] = namespace_of(item) or DEFAULT_NAMESPACE
        else:
            placed.get("metadata", {}).pop("namespace", None)
        return resource, placed

    @staticmethod
    def _object(answer: object) -> Object:
        return answer if isinstance(answer, dict) else {}


def _dry(*, dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
