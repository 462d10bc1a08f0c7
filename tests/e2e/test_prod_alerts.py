"""Production's monitoring, the whole way: from a fault of a pod to whoever is told of it, and back to silence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import yaml

from cluster.names import CANARY, SERVING_LABEL, VERSION
from sandbox.cluster.layout import LOOPBACK
from sandbox.operated import receiver
from tests.e2e import rules
from tests.e2e.faults import deployment, names, released, settings
from tests.e2e.stack import Stack

pytestmark = pytest.mark.thorough

# The memory of a pod is the alert whose expression looks back over nothing: it ends when the pod does.
ALERT = "ReleaseManagerMemory"
LEAKED_BYTES_PER_SECOND = 8_000_000
# Until then it leaks, so it is given more than the pods that the limit is about.
MEMORY = "3Gi"
LEAKING = "release-manager-leaking"
# `for` is a minute; then ten seconds to Slack and a minute to PagerDuty (sandbox/overlays/sandbox.yaml).
LONGEST_SECONDS = 180.0
LOOK_SECONDS = 0.5
# Between the two messages, as Alertmanager waits from the same moment on.
AT_LEAST_BETWEEN_SECONDS = 40.0


@pytest.fixture(scope="module")
def watched(prod: Stack) -> Iterator[Stack]:
    """Production with a good version on all pods, whose rules are loaded, and the checklist without its waiver."""
    released(prod)
    waivers = [each for each in overlay(prod)["checklist"]["waivers"] if each["item"] != "monitoring"]
    rules.load(prod)
    with prod.over_all({"checklist": {"waivers": waivers}}):
        yield prod
    rules.unload(prod)


def overlay(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(stack.overlay.read_text(encoding="utf-8"))
    return found


def query(text: str) -> list[dict[str, Any]]:
    """Return what Prometheus answers to an instant query."""
    answer = httpx.get(f"{rules.PROMETHEUS}/api/v1/query", params={"query": text}, timeout=10)
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def answering() -> set[tuple[str, str, str]]:
    """Return pod, track and version of all that answer Prometheus."""
    found = [each["metric"] for each in query('up{namespace="production", app="release-manager"} == 1')]
    return {(each["pod"], each["track"], each["version"]) for each in found}


def received(whom: str, after: float) -> list[dict[str, Any]]:
    """Return what the receiver was sent after a moment."""
    answer = httpx.get(f"http://{LOOPBACK}:{receiver.NODE_PORT}/{whom}", timeout=10)
    return [each for each in answer.json() if each["at"] > after]


def until(found: Callable[[], list[dict[str, Any]]], what: str) -> dict[str, Any]:
    """Wait for the first of what is looked for."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not (some := found()):
        assert time.monotonic() < deadline, f"not within {LONGEST_SECONDS:g} s: {what}"
        time.sleep(LOOK_SECONDS)
    return some[0]


def told_slack(status: str, after: float) -> list[dict[str, Any]]:
    title = f"[{status}] {ALERT} in production"
    return [each for each in received(receiver.SLACK, after) if each["body"]["attachments"][0]["title"] == title]


def paged(action: str, after: float) -> list[dict[str, Any]]:
    found = received(receiver.PAGERDUTY, after)
    return [
        each
        for each in found
        if each["body"]["event_action"] == action and ALERT in each["body"]["payload"].get("summary", "")
    ]


@contextmanager
def leaking(stack: Stack) -> Iterator[None]:
    """Run a pod of the version that serves, with its fault switched on, as a canary that no request reaches."""
    template = deployment(stack, names(stack).canary)["spec"]["template"]
    spec = template["spec"]
    [container] = spec["containers"]
    container["env"].append({"name": "FAULT_MEMORY_BYTES_PER_SECOND", "value": str(LEAKED_BYTES_PER_SECOND)})
    container["resources"]["limits"]["memory"] = MEMORY
    spec.pop("topologySpreadConstraints", None)
    labels = {key: value for key, value in template["metadata"]["labels"].items() if key != SERVING_LABEL}
    assert labels["track"] == CANARY
    kubectl, metadata = stack.world.kubectl, {"name": LEAKING, "namespace": stack.namespace, "labels": labels}
    kubectl.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}])
    try:
        yield
    finally:
        kubectl.delete("pod", LEAKING, namespace=stack.namespace)


def test_item_17_is_proven_and_every_pod_is_scraped_by_its_track_and_version(watched: Stack) -> None:
    shown = watched.command("checklist")
    [line] = [each for each in shown.text.splitlines() if "dashboards and alert rules" in each]
    assert "proven" in line
    assert "alerts are loaded as declared" in line
    assert {rule["health"] for rule in rules.loaded()} == {"ok"}
    stable = deployment(watched, watched.deployment)["spec"]["template"]["metadata"]["labels"]
    wanted = {(pod, "stable", stable[VERSION]) for pod in watched.pods()}
    deadline = time.monotonic() + LONGEST_SECONDS
    # Those of the release before answer until they have ended, and Prometheus forgets them a moment later.
    while (pods := answering()) != wanted:
        assert time.monotonic() < deadline, f"{pods} are scraped, not {wanted}"
        time.sleep(LOOK_SECONDS)
    assert query('count by (version) (release_manager_requests_total{exported_version!=""})') == []


def test_a_changed_limit_is_loaded_before_an_update_goes_on(watched: Stack) -> None:
    stricter = watched.up("--skip-preview", settings=settings(monitoring={"restarts": 3}))

    limits = {rule["query"] for rule in rules.loaded() if rule["name"] == "ReleaseManagerRestarts"}
    back = watched.up("--skip-preview", settings=settings())

    for result in (stricter, back):
        assert result.status == 0, result.text
        assert "monitoring: proven: " in result.text
    assert [limit.rpartition(" ")[2] for limit in limits] == ["3"]


def test_the_dead_mans_switch_arrives(watched: Stack) -> None:  # noqa: ARG001  (its routes are what is loaded)
    message = until(lambda: received(receiver.HEARTBEAT, time.time() - LONGEST_SECONDS), "the heartbeat")
    assert [alert["labels"]["alertname"] for alert in message["body"]["alerts"]] == ["ReleaseManagerWatchdog"]


def test_a_fault_is_told_at_once_pages_after_its_time_and_ends_when_it_is_switched_off(watched: Stack) -> None:
    started = time.time()
    with leaking(watched):
        slack = until(lambda: told_slack("FIRING", started), "Slack is told")
        assert not paged("trigger", started), "PagerDuty is for what nobody has ended in time"
        page = until(lambda: paged("trigger", started), "PagerDuty pages")

    assert page["at"] - slack["at"] > AT_LEAST_BETWEEN_SECONDS
    text = slack["body"]["attachments"][0]["text"]
    assert f"pod {LEAKING} (canary" in text
    assert f"/{ALERT}.md|runbook>" in text
    assert slack["body"]["channel"] == "#releases"
    assert page["body"]["routing_key"] == "sandbox"
    assert page["body"]["payload"]["severity"] == "warning"
    assert not received(receiver.INCIDENT, started), "a warning is no incident"

    until(lambda: told_slack("RESOLVED", page["at"]), "Slack is told that it ended")
    until(lambda: paged("resolve", page["at"]), "PagerDuty is told that it ended")
    assert query(f'ALERTS{{alertname="{ALERT}", alertstate="firing"}}') == []
