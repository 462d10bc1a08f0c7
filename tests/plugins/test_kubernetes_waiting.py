"""Promise: every wait ends: when ready, when it can never be, when time is up, when cancelled."""

from __future__ import annotations

import httpx
import pytest

from sandbox.plugins.kubernetes import steering
from sandbox.plugins.kubernetes.awaiting.core import Assessment, Awaiter, Snapshot
from sandbox.plugins.kubernetes.awaiting.waiter import Waiter
from sandbox.plugins.kubernetes.client import Cluster
from sandbox.plugins.kubernetes.errors import CancelledError, InitializationError, WaitTimeoutError
from tests.plugins.fake_api_server import FakeApiServer
from tests.plugins.kubernetes_objects import Object
from tests.plugins.provider_over_grpc import Messages

ITEM: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop", "uid": "u"}}
PATH = "/api/v1/namespaces/shop/configmaps/web"


class World:
    """A cluster with one object, and time that only passes in pauses."""

    def __init__(self, *, cancel_after: float = 1e9) -> None:
        self.api = FakeApiServer(objects={PATH: dict(ITEM)})
        self.now = 0.0
        self.cancel_after = cancel_after
        self.messages = Messages()
        cluster = Cluster(self.api.client(), "http://cluster")
        self.waiter = Waiter(cluster, self.messages, self.pause, lambda: self.now)

    def pause(self, seconds: float) -> bool:
        assert seconds > 0
        self.now += seconds
        return self.now > self.cancel_after

    def wait(self, awaiter: Awaiter, custom_seconds: float | None = None) -> None:
        self.waiter.until_ready(awaiter, ITEM, urn="urn", timeout_seconds=custom_seconds)


def never(_: Snapshot) -> Assessment:
    return Assessment(ready=False, status="waiting", reasons=("because",))


def test_a_wait_ends_when_ready_and_clears_what_it_said() -> None:
    world = World()
    world.wait(Awaiter(lambda _: Assessment(ready=world.now >= 3, status="counting")))
    assert 3 <= world.now < 4
    assert world.messages.statuses == ["counting", ""]


def test_a_wait_ends_at_once_when_it_can_never_succeed() -> None:
    world = World()
    with pytest.raises(InitializationError) as caught:
        world.wait(Awaiter(lambda _: Assessment(ready=False, failed=True, reasons=("broken",))))
    assert world.now == 0
    assert caught.value.reasons == ["broken"]


@pytest.mark.parametrize(("own", "custom", "expected"), [(7.0, None, 7.0), (7.0, 2.0, 2.0)])
def test_a_wait_ends_when_its_time_is_up(own: float, custom: float | None, expected: float) -> None:
    world = World()
    with pytest.raises(WaitTimeoutError, match="'web' timed out waiting to be Ready") as caught:
        world.wait(Awaiter(never, timeout_seconds=own), custom)
    assert world.now == pytest.approx(expected)
    assert caught.value.reasons == ["because"]


def test_a_wait_ends_when_cancelled() -> None:
    world = World(cancel_after=1.0)
    with pytest.raises(CancelledError):
        world.wait(Awaiter(never))
    assert world.now < 2


def test_a_wait_outlives_an_api_server_that_is_away_for_a_moment() -> None:
    world = World()

    def away(call: object) -> httpx.Response | None:
        if world.now < 2 and str(getattr(call, "path", "")).endswith("/web"):
            raise httpx.ConnectError("connection refused")
        return None

    world.api.refusals = away
    world.wait(Awaiter(lambda _: Assessment(ready=True)))
    assert 2 <= world.now < 3


def test_a_settling_wait_starts_again_with_each_change() -> None:
    world = World()
    changes = iter(range(4))
    awaiter = Awaiter(
        lambda snapshot: Assessment(ready=snapshot.settled),
        settling=lambda _: next(changes, None) if world.now < 2 else "still",
        settling_seconds=10.0,
    )
    world.wait(awaiter)
    assert world.now >= 11


def test_a_delete_waits_until_the_object_is_gone_and_names_what_holds_it() -> None:
    world = World()
    world.api.objects[PATH]["metadata"] = ITEM["metadata"] | {"finalizers": ["example.com/hold"]}
    with pytest.raises(WaitTimeoutError) as caught:
        world.waiter.until_gone(ITEM, urn="urn", timeout_seconds=5.0)
    assert caught.value.reasons == ["finalizers might be preventing deletion (example.com/hold)"]
    del world.api.objects[PATH]
    world.waiter.until_gone(ITEM, urn="urn", timeout_seconds=5.0)


def test_another_object_of_the_same_name_is_not_waited_for() -> None:
    world = World()
    world.api.objects[PATH]["metadata"] = ITEM["metadata"] | {"uid": "another"}
    world.waiter.until_gone(ITEM, urn="urn", timeout_seconds=5.0)
    assert world.now == 0


@pytest.mark.parametrize(
    ("annotations", "custom", "seconds"),
    [({}, 0.0, None), ({"pulumi.com/timeoutSeconds": "9"}, 0.0, 9.0), ({"pulumi.com/timeoutSeconds": "9"}, 4.0, 4.0)],
)
def test_the_resource_option_comes_before_the_annotation(
    annotations: Object, custom: float, seconds: float | None
) -> None:
    assert steering.timeout_seconds({"metadata": {"annotations": annotations}}, custom) == seconds
