"""Whether an object must change, and whether in place or by a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.plugins.kubernetes import steering
from sandbox.plugins.kubernetes.awaiting.core import Snapshot
from sandbox.plugins.kubernetes.awaiting.job import assess as assess_job
from sandbox.plugins.kubernetes.checkpoint import State
from sandbox.plugins.kubernetes.difference import (
    Change,
    ChangeKind,
    changes,
    format_path,
    pruned,
    without_ignored,
)
from sandbox.plugins.kubernetes.discovery import CLUSTER_WIDE
from sandbox.plugins.kubernetes.errors import ProviderError
from sandbox.plugins.kubernetes.immutable import IDENTITY, immutable_fields
from sandbox.plugins.kubernetes.lifecycle import Lifecycle
from sandbox.plugins.kubernetes.naming import is_autonamed, is_named
from sandbox.plugins.kubernetes.normal import normalized
from sandbox.plugins.kubernetes.objects import (
    DEFAULT_NAMESPACE,
    Object,
    is_patch,
    kind_of,
    name_of,
    namespace_of,
    remove_member,
    set_member,
    text,
)
from sandbox.plugins.kubernetes.rewrites import without_rewrites
from sandbox.plugins.kubernetes.settings import Settings
from sandbox.plugins.protocol.engine_log import Log
from sandbox.plugins.protocol.properties import contains_unknown

UNREADY = '.metadata.annotations["pulumi.com/replaceUnready"]'


@dataclass(frozen=True)
class Difference:
    """The changes, the paths that replace the object, and whether the old one must go first."""

    changes: Sequence[Change]
    replaces: Sequence[str]
    delete_first: bool

    @property
    def is_empty(self) -> bool:
        """Nothing changes."""
        return not self.changes and not self.replaces


@dataclass(frozen=True)
class Differ:
    """Compares old and new; without a lifecycle (the cluster cannot be reached) only what is in state."""

    settings: Settings
    log: Log
    lifecycle: Lifecycle | None

    def diff(self, urn: str, state: State, new_inputs: Object, ignored: Sequence[str]) -> Difference:
        """Compare the live object of a state, cut to the shape of its inputs, with the new inputs."""
        live = state.live
        new = normalized(new_inputs)
        old = pruned(live, normalized(state.inputs))
        self._align(old, new, live)
        patch = is_patch(urn, kind_of(new).name)
        fields = IDENTITY if patch else immutable_fields(new, self.settings)
        found = without_ignored(changes(old, new, fields), ignored)
        if not patch:
            found = without_rewrites(found, live, new, lambda: self._try_apply(new, state.manager))
        replaces = [
            format_path(change.path)
            for change in found
            if change.replaces or (change.kind is ChangeKind.DELETE and change.path == ("metadata",))
        ]
        if steering.is_true(new, steering.REPLACE_UNREADY) and self._is_unready(urn, live, new):
            replaces.append(UNREADY)
        same_place = name_of(new) == name_of(live) and namespace_of(new) == namespace_of(live)
        delete_first = bool(replaces) and is_named(new) and not is_autonamed(new) and same_place
        return Difference(found, replaces, delete_first)

    def _align(self, old: Object, new: Object, live: Object) -> None:
        """Make both sides name what the server fills in: kind, namespace and name."""
        kind = kind_of(new)
        namespaced = (
            kind.name not in CLUSTER_WIDE
            if self.lifecycle is None
            else self.lifecycle.cluster.discovery.is_namespaced(kind)
        )
        for item in (old, new):
            metadata = item.setdefault("metadata", {})
            if not isinstance(metadata, dict):
                continue
            if namespaced:
                metadata["namespace"] = metadata.get("namespace") or DEFAULT_NAMESPACE
            else:
                metadata.pop("namespace", None)
        if not text(old, "kind"):
            old["apiVersion"], old["kind"] = new.get("apiVersion"), new.get("kind")
        remove_member(old, "metadata", "resourceVersion")
        if name_of(new):
            set_member(old, name_of(live), "metadata", "name")

    def _try_apply(self, new: Object, manager: str) -> Object | None:
        if self.lifecycle is None or contains_unknown(new):
            return None
        try:
            return self.lifecycle.try_apply(new, manager)
        except ProviderError:
            return None

    def _is_unready(self, urn: str, live: Object, new: Object) -> bool:
        if kind_of(new).name != "Job":
            self.log.warning(urn, "replaceUnready annotation is not supported for this resource")
            return False
        if self.lifecycle is None:
            self.log.warning(urn, "Cluster is unreachable, skipping replaceUnready check")
            return False
        try:
            current = self.lifecycle.cluster.read(live)
        except ProviderError:
            return False
        return not assess_job(Snapshot(current)).ready
