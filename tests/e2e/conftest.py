"""The sandbox, and a checkout of this project that tests may change."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from cluster.access import connect
from cluster.releases import serving_release
from sandbox.cluster.layout import CONTEXT
from sandbox.phases import Phases
from sandbox.up import OVERLAY, Up
from sandbox.update import Updater
from sandbox.world import World
from tests.e2e import rules
from tests.e2e.after_others import day_after_all_releases, waive_what_other_checkouts_knew
from tests.e2e.checkout import copy_of_the_work_tree, with_a_remote
from tests.e2e.stack import QUICK_CANARY, Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


def _stack(world: World, name: str, url: str, checkout: Path) -> Stack:
    runner = Up(world, Phases(), name).environment()
    overlay = Path(runner.variables[OVERLAY])
    stack = Stack(
        name=name,
        deployment=f"release-manager-{name}",
        url=httpx.URL(url),
        checkout=copy_of_the_work_tree(checkout),
        runner=runner,
        world=world,
        overlay=overlay,
    )
    selected = stack.pulumi("stack", "select", "--create", name)
    assert selected.status == 0, selected.text
    Updater(runner, name).remove_stale_locks()
    return stack


@pytest.fixture(scope="session")
def stack(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return _stack(world, "dev", "http://dev-api.internal", tmp_path_factory.mktemp("dev") / "project")


@pytest.fixture(scope="session")
def verified(stack: Stack) -> Stack:
    """The stack with a verified release."""
    result = stack.up()
    assert result.status == 0, result.text
    return stack


@pytest.fixture(scope="session")
def staging(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Staging: its checkout's commit is pushed to a remote of its own and carries a release tag."""
    stack = _released_from_a_remote(world, "staging", "https://staging-api.internal", tmp_path_factory)
    stack.release()
    return stack


@pytest.fixture(scope="session")
def prod(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Production, as staging: its releases are named after days that no test before has had a release on.

    Production has one release a day; here each day's is released as soon as the one before is done with. Its rules are
    loaded only for the tests that want them.
    """
    stack = _released_from_a_remote(world, "prod", "https://api.internal", tmp_path_factory)
    stack.first = day_after_all_releases(stack)
    cluster = connect(str(stack.world.paths.kubeconfig), CONTEXT, stack.namespace)
    if serving_release(cluster, stack.deployment) is None:
        _release_for_the_first_time(stack)
    else:
        waive_what_other_checkouts_knew(stack)
    with rules.unloaded(stack):
        yield stack


def _release_for_the_first_time(stack: Stack) -> None:
    """Make a release that the tests' own follow: an empty database has SQL that somebody has to approve."""
    stack.approved_release()
    stopped = stack.up(settings=QUICK_CANARY)
    if stopped.status == 0:
        return
    found = re.search(r"MIGRATION=([0-9a-f]{64})", stopped.error)
    assert found is not None, stopped.text
    stack.approve("--migration", found[1])
    result = stack.up(settings=QUICK_CANARY)
    assert result.status == 0, result.text


def _released_from_a_remote(world: World, name: str, url: str, factory: pytest.TempPathFactory) -> Stack:
    stack = _stack(world, name, url, factory.mktemp(name) / "project")
    with_a_remote(stack.checkout)
    return stack


@pytest.fixture
def namespace(world: World) -> Iterator[str]:
    """A namespace of its own, deleted afterwards."""
    name = f"test-{time.time_ns()}"
    world.kubectl.run("create", "namespace", name)
    yield name
    world.kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], str], None]:
    """Wait until a condition holds, at most a minute; the text says what is waited for."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, f"not within a minute: {what}"
            time.sleep(0.2)

    return wait
