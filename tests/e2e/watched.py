"""Releases of production that are watched, and turn bad when a test says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cluster.access import connect
from cluster.api import Cluster
from cluster.history.entry import Entry
from cluster.history.history import Attempt, History
from sandbox.cluster.layout import CONTEXT
from tests.e2e.few_pods import FEW, REPLICAS, replicas, scale
from tests.e2e.stack import Stack

SWITCH = "/tmp/faults-are-on"  # noqa: S108 - the pod's own
LOOK_SECONDS = 0.5
# The shortest that the settings allow with these seconds: twice (10 + 60).
MINUTES = 2.5


def watched(mode: str, note: str, *, turns_bad: bool = False, minutes: float = MINUTES) -> dict[str, Any]:
    """Return the settings of a release with a watch; half the answers of a bad one are errors once it is switched."""
    environment = {"NOTE": note}
    if turns_bad:
        environment |= {"FAULT_ERROR_RATE": "0.5", "FAULT_SWITCH": SWITCH}
    watch = {
        "mode": mode,
        "minutes": minutes,
        "look_seconds": 1,
        "sustained_seconds": 10,
        "rate_minutes": 1,
    }
    return {**FEW, "application": {"environment": environment}, "watch": watch}


@contextmanager
def watched_on_few_pods(stack: Stack, settings: dict[str, Any]) -> Iterator[Stack]:
    """Let production be on few pods with a good release by these settings; it has as many as before in the end."""
    before = replicas(stack)
    scale(stack, REPLICAS)
    stack.approved_release()
    result = stack.up("--skip-preview", settings=settings)
    assert result.status == 0, result.text
    yield stack
    scale(stack, before)


def turn_bad(stack: Stack) -> None:
    """Let the pods that serve begin to answer with errors."""
    for pod in sorted(stack.pods()):
        stack.world.kubectl.run("exec", pod, "--", "touch", SWITCH, namespace=stack.namespace)


def cluster(stack: Stack) -> Cluster:
    """Return the cluster as the program sees it."""
    return connect(str(stack.world.paths.kubeconfig), CONTEXT, stack.namespace)


def attempts(stack: Stack) -> list[Attempt]:
    """Return the attempts on record, newest first."""
    return History(cluster(stack), stack.deployment).read()


def entries(attempt: Attempt, kind: str) -> list[Entry]:
    """Return the entries of one kind."""
    return [each for each in attempt.entries if each.kind == kind]


def of_the_watch(attempt: Attempt) -> list[Entry]:
    """Return what the watch has found: anything that people were told of, and how it ended."""
    return [each for each in entries(attempt, "gate") if each.facts.get("step") == "watch"]


def jobs(stack: Stack) -> list[str]:
    """Return the names of the Jobs that watch."""
    found = stack.world.kubectl.get_json("jobs", "-l", "component=watch", namespace=stack.namespace)["items"]
    return sorted(each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"])


def wait_for(happened: Callable[[], bool], what: str, stack: Stack, *, seconds: float = 90) -> None:
    """Wait until something has happened; where it does not, the log of the watch says why."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            logs = stack.world.kubectl.run("logs", "-l", "component=watch", "--tail=40", namespace=stack.namespace)
            raise AssertionError(f"not within {seconds:g} s: {what}\n{logs}")
        time.sleep(LOOK_SECONDS)


def newest(stack: Stack) -> int:
    """Return the number of the newest attempt; 0 where there is none."""
    return max((each.number for each in attempts(stack)), default=0)


def is_watched(stack: Stack, *, after: int = 0) -> bool:
    """Whether the newest attempt, which must come after that number, has a watch that has begun."""
    found = attempts(stack)[0]
    return found.number > after and bool(entries(found, "watch"))


def check_taken_back(stack: Stack, before: str) -> Attempt:
    """See that the newest attempt was taken back by its watch, as a gate does it, and return it."""
    wait_for(lambda: attempts(stack)[0].outcome == "failed", "the release is taken back", stack)
    attempt = attempts(stack)[0]
    gate = of_the_watch(attempt)[-1]
    assert gate.facts["verdict"] == "FAIL"
    assert "ended with an error" in gate.facts["reason"]
    assert gate.facts["numbers"]["bad"] > 0
    [rollback] = entries(attempt, "rollback")
    assert f"{before} " in rollback.facts["outcome"]
    assert "serves again after" in rollback.facts["outcome"]
    assert attempt.cause.startswith("watch: errors: ")
    return attempt
