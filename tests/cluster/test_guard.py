"""Whatever changes a cluster asks the guard first; whatever only reads never does."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import httpx
import pytest

import cluster.api
from cluster.api import Cluster
from cluster.errors import GateFailed
from tests.cluster.api_server import BASE
from tests.recorded import NAME

# What the guard itself rests on.
UNGUARDED = {"write_lease"}
# What makes no request.
SILENT = {"guarded_by"}


class Lost(GateFailed):
    pass


def refuse() -> None:
    raise Lost("the release is another's")


class Server:
    """Lets everything happen, and remembers what changes something."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.methods.append(request.method)
        body = {"metadata": {"name": "x", "resourceVersion": "1"}, "spec": {"template": {}}, "items": []}
        return httpx.Response(200, json=body)

    @property
    def changes(self) -> list[str]:
        return [method for method in self.methods if method != "GET"]

    def cluster(self) -> Cluster:
        return Cluster(httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)), "development")


def methods() -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(Cluster, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_") and name not in SILENT}


def value_of(wanted: Any) -> Any:
    """Return some value of the type."""
    plain = {str: "x", int: 1, float: 1.0, bool: True}
    if wanted in plain:
        return plain[wanted]
    origin, inside = get_origin(wanted), get_args(wanted)
    if inside and type(None) in inside and (origin is Union or "UnionType" in str(origin)):
        return value_of(next(each for each in inside if each is not type(None)))
    if origin is not None and issubclass(origin, Mapping):
        return {}
    if (origin is not None and issubclass(origin, tuple | list)) or "Sequence" in str(origin):
        return []
    raise AssertionError(f"this test cannot make a {wanted}: teach it to")


def call(target: Cluster, name: str) -> BaseException | None:
    """Call the method with some arguments; what it makes of the answer is of no interest here."""
    method = methods()[name]
    hints = get_type_hints(method)
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    given = {each.name: value_of(hints[each.name]) for each in parameters}
    try:
        getattr(target, name)(**given)
    except Exception as error:  # noqa: BLE001
        return error
    return None


@pytest.mark.parametrize("name", methods())
def test_every_method_that_changes_something_asks_the_guard_first(name: str) -> None:
    free, held = Server(), Server()
    call(free.cluster(), name)
    assert free.methods, "it made no request: name it in SILENT"
    error = call(held.cluster().guarded_by(refuse), name)
    if name in UNGUARDED or not free.changes:
        assert held.methods == free.methods
        assert not isinstance(error, Lost)
    else:
        assert isinstance(error, Lost)
        assert held.changes == []


def test_the_walk_meets_what_it_is_for() -> None:
    changing = set()
    for name in methods():
        server = Server()
        call(server.cluster(), name)
        if server.changes:
            changing.add(name)
    known = {"write_config_map", "replace_deployment_template", "scale", "label_pod", "create_job", "delete_job"}
    assert known | UNGUARDED <= changing
    assert "pods" not in changing


def test_the_guard_is_asked_before_each_change_anew() -> None:
    asked, server = [], Server()
    guarded = server.cluster().guarded_by(lambda: asked.append(len(server.methods)))
    guarded.scale(NAME, 1)
    guarded.pods("app=x")
    guarded.scale(NAME, 0)
    assert asked == [0, 2]


def test_nothing_but_the_one_guarded_place_talks_to_the_cluster() -> None:
    tree = ast.parse(Path(cluster.api.__file__).read_text(encoding="utf-8"))
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and "_client." in ast.unparse(each.func)]
    assert [ast.unparse(each.func) for each in calls] == ["self._client.request"]


def test_the_cluster_that_was_guarded_stays_as_it_was() -> None:
    server = Server()
    plain = server.cluster()
    plain.guarded_by(refuse)
    plain.scale(NAME, 1)
    assert server.changes == ["PATCH"]
