"""Which kinds the API server knows, and under which path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.plugins.kubernetes.errors import ApiError, NoMatchError, ProviderError
from sandbox.plugins.kubernetes.objects import Kind, Object, dig, items_of, text

CLUSTER_WIDE: Final = frozenset(
    {
        "APIService",
        "CSIDriver",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """Where objects of a kind live: the API's path, the plural name, and whether they have a namespace."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of an object, or of the collection when the name is empty."""
        parts = [self.prefix]
        if self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


class Discovery:
    """Asks the server for the kinds of one API version at a time, and remembers the answer.

    An unknown kind is asked for anew each time: its definition may have been created meanwhile.
    """

    def __init__(self, get: Callable[[str], Any]) -> None:
        self._get = get
        self._known: dict[Kind, Resource] = {}
        self._declared: dict[tuple[str, str], bool] = {}
        self._lock = threading.Lock()

    def find(self, kind: Kind) -> Resource:
        """Return where objects of a kind live; raises NoMatchError for a kind that the server does not know."""
        with self._lock:
            if kind not in self._known:
                self._read(kind.api_version)
            if kind not in self._known:
                raise NoMatchError(kind)
            return self._known[kind]

    def is_namespaced(self, kind: Kind) -> bool:
        """Tell whether a kind has a namespace, also for one that only exists in the program yet.

        A kind that nobody knows is taken to have one; its create corrects that.
        """
        try:
            return self.find(kind).namespaced
        except ProviderError:
            with self._lock:
                return self._declared.get((kind.group, kind.name), kind.name not in CLUSTER_WIDE)

    def declare(self, definition: Object) -> None:
        """Remember a CustomResourceDefinition that the program is going to create."""
        group, kind = text(definition, "spec", "group"), text(definition, "spec", "names", "kind")
        with self._lock:
            self._declared[group, kind] = text(definition, "spec", "scope") != "Cluster"

    def forget(self) -> None:
        """Forget everything that was read: the kinds of the server have changed."""
        with self._lock:
            self._known.clear()

    def _read(self, api_version: str) -> None:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            answer = self._get(prefix)
        except ApiError as error:
            if error.not_found:
                return
            raise
        for entry in items_of(answer, "resources"):
            plural = text(entry, "name")
            # A name with a slash is a part of an object, such as its scale.
            if "/" not in plural:
                kind = Kind(api_version, text(entry, "kind"))
                self._known[kind] = Resource(prefix, plural, bool(dig(entry, "namespaced")))
