"""A record is written only once its check has let it, and a check that fails reaches the user as one text."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.errors import ClusterError, GateFailed
from components.gate import Check, Gate, GateArgs
from tests.components.recorder import Recorder, declare

DATA = {"version": "v1", "image": "r@sha256:1"}


def let(_record: Mapping[str, str], _reporter: Reporter) -> None:
    return


def gate(check: Check = let, *, preview: bool = False) -> Recorder:
    args = GateArgs(record="app-verified", namespace="staging", data=DATA, check=check)
    return declare(lambda: Gate("verification", args), preview=preview)


def hook_of(check: Check) -> pulumi.ResourceHook:
    return gate(check).hooks["verification-gate"]


async def call(hook: pulumi.ResourceHook, inputs: Mapping[str, Any] | None) -> None:
    answer = hook(pulumi.ResourceHookArgs(urn="urn", id="", name="verification-record", type="t", new_inputs=inputs))
    assert answer is not None
    await answer


def run(check: Check, inputs: Mapping[str, Any] | None = None) -> None:
    asyncio.run(call(hook_of(check), {"data": DATA} if inputs is None else inputs))


def test_the_record_is_a_config_map_below_the_gate() -> None:
    recorder = gate()
    record = recorder.only("kubernetes:core/v1:ConfigMap")
    assert record.inputs["metadata"] == {"name": "app-verified", "namespace": "staging"}
    assert record.inputs["data"] == DATA
    assert recorder.named(record.parent).kind == "release-manager:release:Gate"


def test_the_check_stands_before_creation_and_before_every_change() -> None:
    recorder = gate()
    record = recorder.only("kubernetes:core/v1:ConfigMap")
    assert record.hooks == {"before_create": ["verification-gate"], "before_update": ["verification-gate"]}
    assert list(recorder.hooks) == ["verification-gate"]


def test_a_preview_checks_nothing_and_a_failing_check_is_not_turned_into_a_warning() -> None:
    options = gate(preview=True).hooks["verification-gate"].opts
    assert options is None or (not options.on_dry_run and not options.ignore_errors)


def test_a_check_that_returns_lets_the_record_be_written_and_sees_what_it_will_say() -> None:
    seen: list[Mapping[str, str]] = []
    run(lambda record, _reporter: seen.append(record))
    assert seen == [DATA]


def test_values_of_the_record_reach_the_check_as_text() -> None:
    seen: list[Mapping[str, str]] = []
    run(lambda record, _reporter: seen.append(record), {"data": {"attempts": 3.0}})
    assert seen == [{"attempts": "3.0"}]


@pytest.mark.parametrize(
    "error", [GateFailed("release v2 was taken back"), ClusterError("no", mend="yes"), Unreachable("gone")]
)
def test_a_check_that_fails_keeps_the_record_from_being_written(error: Exception) -> None:
    def fail(_record: Mapping[str, str], _reporter: Reporter) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run(fail)
    assert caught.value is error


def test_a_fault_of_the_program_is_one_line_that_says_so() -> None:
    def fault(_record: Mapping[str, str], _reporter: Reporter) -> None:
        raise KeyError("job")

    with pytest.raises(GateFailed) as caught:
        run(fault)
    text = "the gate could not decide because of a fault in its own program: KeyError: 'job'"
    assert str(caught.value) == text


def test_a_check_that_blocks_does_not_stop_the_program() -> None:
    begun, done = threading.Event(), threading.Event()

    def block(_record: Mapping[str, str], _reporter: Reporter) -> None:
        begun.set()
        assert done.wait(5), "the loop stood still while the check ran"

    hook = hook_of(block)

    async def both() -> None:
        waiting = asyncio.create_task(call(hook, {"data": DATA}))
        assert await asyncio.to_thread(begun.wait, 5)
        done.set()
        await waiting

    asyncio.run(both())


def test_what_the_check_tells_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def tell(_record: Mapping[str, str], reporter: Reporter) -> None:
        reporter.line("pods: PASS")
        reporter.live("waiting for health")

    recorder = Recorder()
    args = GateArgs(record="app-verified", namespace="staging", data=DATA, check=tell)

    async def after(urn: str) -> str:
        await call(recorder.hooks["verification-gate"], {"data": DATA})
        return urn

    def program() -> object:
        urn: Any = Gate("verification", args).record.urn
        return urn.apply(after)

    with caplog.at_level(logging.INFO):
        declare(program, recorder=recorder)
    assert "pods: PASS" in caplog.messages
    assert "waiting for health" in caplog.messages
