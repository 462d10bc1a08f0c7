"""Promise: a preview shows what an update would change, no more and no less, and says when it replaces."""

from __future__ import annotations

import pytest

from sandbox.plugins.kubernetes.difference import (
    Change,
    ChangeKind,
    changes,
    format_path,
    parse_path,
    pruned,
    without_ignored,
)
from sandbox.plugins.kubernetes.immutable import Path, immutable_fields
from sandbox.plugins.kubernetes.rewrites import without_rewrites
from sandbox.plugins.kubernetes.settings import Settings
from sandbox.plugins.protocol.properties import UNKNOWN
from tests.plugins.kubernetes_objects import Object

CONFIG_MAP: Object = {"apiVersion": "v1", "kind": "ConfigMap"}
SECRET: Object = {"apiVersion": "v1", "kind": "Secret"}


def test_fields_that_the_server_or_others_added_are_no_change() -> None:
    inputs = {"spec": {"replicas": 1, "containers": [{"image": "a"}]}}
    live = {
        "spec": {"replicas": 1, "strategy": "x", "containers": [{"image": "a", "pullPolicy": "y"}, {}]},
        "status": {},
    }
    assert changes(pruned(live, inputs), inputs, ()) == []


def test_a_field_that_others_changed_is_one_change_at_its_own_path() -> None:
    inputs = {"spec": {"replicas": 1, "containers": [{"image": "a"}]}}
    live = {"spec": {"replicas": 5, "containers": [{"image": "a"}]}}
    assert changes(pruned(live, inputs), inputs, ()) == [
        Change(("spec", "replicas"), ChangeKind.UPDATE, replaces=False)
    ]


def test_added_removed_and_unknown_fields_are_told_apart() -> None:
    found = changes({"a": 1, "b": 1, "c": [1, 2]}, {"b": UNKNOWN, "c": [1], "d": {}}, ())
    assert {change.path: change.kind for change in found} == {
        ("a",): ChangeKind.DELETE,
        ("b",): ChangeKind.UPDATE,
        ("c", 1): ChangeKind.DELETE,
        ("d",): ChangeKind.ADD,
    }


def test_true_is_not_one() -> None:
    assert changes({"a": 1}, {"a": True}, ()) != []


@pytest.mark.parametrize(
    ("kind", "path", "replaces"),
    [
        ("apps/v1 Deployment", ("spec", "selector", "matchLabels", "app"), True),
        ("apps/v1 Deployment", ("spec", "replicas"), False),
        ("apps/v1 StatefulSet", ("spec", "volumeClaimTemplates", 0, "spec"), True),
        ("apps/v1 StatefulSet", ("spec", "template", "spec"), False),
        ("batch/v1 Job", ("spec", "template", "spec", "containers", 0, "image"), True),
        ("batch/v1 Job", ("spec", "backoffLimit"), False),
        ("v1 Service", ("spec", "clusterIP"), True),
        ("v1 Service", ("spec", "ports", 0, "port"), False),
        ("v1 Pod", ("spec", "containers", 3, "image"), True),
        ("v1 PersistentVolumeClaim", ("spec", "storageClassName"), True),
        ("v1 PersistentVolumeClaim", ("spec", "resources", "requests", "storage"), False),
        ("rbac.authorization.k8s.io/v1 RoleBinding", ("roleRef", "name"), True),
        ("v1 ConfigMap", ("metadata", "namespace"), True),
        ("v1 ConfigMap", ("metadata", "labels", "a"), False),
        ("example.com/v1 Widget", ("spec", "size"), False),
    ],
)
def test_a_change_replaces_where_the_field_cannot_be_changed(kind: str, path: Path, replaces: bool) -> None:  # noqa: FBT001
    api_version, _, name = kind.partition(" ")
    item = {"apiVersion": api_version, "kind": name}
    old: Object = {}
    new: Object = {}
    for side, value in ((old, "before"), (new, "after")):
        _put(side, path, value)
    (change,) = changes(old, new, immutable_fields(item, Settings()))
    assert change == Change(path, ChangeKind.UPDATE, replaces)


def test_to_add_an_object_that_holds_an_immutable_field_replaces() -> None:
    fields = immutable_fields({"apiVersion": "apps/v1", "kind": "Deployment"}, Settings())
    assert [change.replaces for change in changes({}, {"spec": {"selector": {}}}, fields)] == [True]
    assert [change.replaces for change in changes({}, {"spec": {"replicas": 1}}, fields)] == [False]


@pytest.mark.parametrize(
    ("item", "settings", "replaces"),
    [
        (CONFIG_MAP, Settings(), True),
        (CONFIG_MAP, Settings(config_map_mutable=True), False),
        (CONFIG_MAP | {"immutable": True}, Settings(config_map_mutable=True), True),
        (SECRET, Settings(), True),
        (SECRET, Settings(config_map_mutable=True), True),
        (SECRET, Settings(secret_mutable=True), False),
        (SECRET | {"immutable": True}, Settings(secret_mutable=True), True),
    ],
)
def test_data_replaces_unless_the_provider_may_change_it(item: Object, settings: Settings, replaces: bool) -> None:  # noqa: FBT001
    (change,) = changes({"data": {"a": "1"}}, {"data": {"a": "2"}}, immutable_fields(item, settings))
    assert change.replaces is replaces


def test_ignored_paths_hide_what_lies_under_them_and_nothing_else() -> None:
    found = changes(
        {"spec": {"replicas": 1, "x": 1, "c": [{"i": 1}]}}, {"spec": {"replicas": 2, "x": 2, "c": [{"i": 2}]}}, ()
    )
    left = without_ignored(found, ["spec.replicas", "spec.c[*].i"])
    assert [change.path for change in left] == [("spec", "x")]


@pytest.mark.parametrize(
    "text", ["spec.replicas", "spec.containers[0].image", 'metadata.annotations["a.b/c"]', "a[1][2]"]
)
def test_paths_keep_the_engine_s_notation(text: str) -> None:
    assert format_path(parse_path(text)) == text


def test_a_quantity_in_other_words_is_no_change() -> None:
    live = {"limits": {"cpu": "1", "memory": "1Gi"}, "image": "1"}
    new = {"limits": {"cpu": "1000m", "memory": "2048Mi"}, "image": "1000m"}
    left = without_rewrites(changes(live, new, ()), live, new, lambda: None)
    assert {change.path for change in left} == {("limits", "memory"), ("image",)}


def test_an_empty_value_that_the_server_drops_is_no_change_but_one_that_it_keeps_is() -> None:
    live: Object = {"spec": {}}
    new = {"spec": {"hostNetwork": False, "automountServiceAccountToken": False}}
    stored = {"spec": {"automountServiceAccountToken": False}}
    left = without_rewrites(changes(live, new, ()), live, new, lambda: stored)
    assert [change.path for change in left] == [("spec", "automountServiceAccountToken")]


def test_the_server_is_asked_only_when_there_are_empty_values() -> None:
    def never() -> Object | None:
        raise AssertionError

    assert len(without_rewrites(changes({"a": 1}, {"a": 2}, ()), {"a": 1}, {"a": 2}, never)) == 1


def _put(item: Object, path: Path, value: object) -> None:
    child: object = value
    for step in reversed(path[1:]):
        child = [None] * step + [child] if isinstance(step, int) else {step: child}
    item[str(path[0])] = child
