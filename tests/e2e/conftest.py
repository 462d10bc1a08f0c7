"""The sandbox, and a checkout of this project that tests may change."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from cluster.access import connect
from cluster.releases import serving_release
from sandbox.cluster.layout import CONTEXT
from sandbox.paths import REPOSITORY
from sandbox.phases import Phases
from sandbox.up import OVERLAY, Up
from sandbox.update import Updater
from sandbox.world import World
from tests.e2e.stack import QUICK_CANARY, Stack

# So far off that no real release is named after it.
FIRST_DAY_OF_TESTS = datetime(2100, 1, 1, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def _copy_of_the_work_tree(target: Path) -> Path:
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    (target / ".venv").symlink_to(REPOSITORY / ".venv")
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", "-C", str(target), *arguments], check=True)
    return target


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
        checkout=_copy_of_the_work_tree(checkout),
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
def prod(world: World, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Production, as staging: its releases are named after days that no test before has had a release on.

    Production has one release a day; here each day's is released as soon as the one before is done with.
    """
    stack = _released_from_a_remote(world, "prod", "https://api.internal", tmp_path_factory)
    stack.first = _day_after_all_releases(stack)
    cluster = connect(str(stack.world.paths.kubeconfig), CONTEXT, stack.namespace)
    if serving_release(cluster, stack.deployment) is None:
        _release_for_the_first_time(stack)
    else:
        _waive_what_other_checkouts_knew(stack)
    return stack


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


def _waive_what_other_checkouts_knew(stack: Stack) -> None:
    """Let a sandbox be used again: the commit that earlier tests released is in no checkout any more.

    So what the first release here changes cannot be compared with its notes.
    """
    values = yaml.safe_load(stack.overlay.read_text(encoding="utf-8"))
    until = datetime.now(UTC).date() + timedelta(days=1)
    waiver = {"item": "notes", "reason": "of other tests' commits", "by": "tests", "until": until}
    values["checklist"]["waivers"].append(waiver)
    stack.overlay = stack.checkout.parent / "sandbox-overlay.yaml"
    stack.overlay.write_text(yaml.safe_dump(values), encoding="utf-8")


def _released_from_a_remote(world: World, name: str, url: str, factory: pytest.TempPathFactory) -> Stack:
    directory = factory.mktemp(name)
    stack = _stack(world, name, url, directory / "project")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(directory / "origin.git")], check=True)
    stack.git("remote", "add", "origin", str(directory / "origin.git"))
    return stack


def _day_after_all_releases(stack: Stack) -> datetime:
    """Return a day whose release nobody can have approved: an approval outlives the tests that gave it."""
    name = f"--field-selector=metadata.name={stack.deployment}-approvals"
    found = stack.world.kubectl.get_json("configmaps", name, namespace=stack.namespace)["items"]
    keys = [key for record in found for key in record.get("data", {}) if key.startswith("release-v2")]
    days = [datetime.strptime(key, "release-v%Y.%m.%d").replace(tzinfo=UTC) for key in keys]
    return max([FIRST_DAY_OF_TESTS, *days]) + timedelta(days=1)


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
