"""A gate: a record in the cluster that is written only once a check has let it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from checks.reader import Unreachable
from checks.waiting import Reporter
from cluster.errors import ClusterError, GateFailed
from components.interruption import INTERRUPTION

Check = Callable[[Mapping[str, str], Reporter], None]
Inputs = Mapping[str, Any]
Record = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True)
class GateArgs:
    """`record` names the ConfigMap; `data` is what it says once the gate is passed; `check` decides.

    `check` runs outside the program's event loop and may block. It returns, or raises an error whose text is shown.
    `plan` is shown by a preview that finds the gate in the way: one line on what the check will do. A record that
    `stays` is kept as it is, whatever `data` says.
    """

    record: str
    namespace: str
    data: Record
    check: Check
    plan: str = ""
    stays: bool = False


class Gate(pulumi.ComponentResource):
    """Runs its check before its record is created or changed; a failing check fails the update.

    What comes next depends on the gate. A failed gate leaves no record, so the next update runs the check again; an
    unchanged record is not checked again. A preview checks nothing.
    """

    def __init__(self, name: str, args: GateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Gate", name, {}, opts)

        hook = gate_hook(f"{name}-gate", args.check, _data_of, self, plan=args.plan)
        self.record = k8s.core.v1.ConfigMap(
            f"{name}-record",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=args.record, namespace=args.namespace),
            data=args.data,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["data"] if args.stays else None,
                hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
            ),
        )
        self.register_outputs({})


def gate_hook(
    name: str,
    check: Check,
    record_of: Callable[[Inputs], Mapping[str, str]],
    gate: pulumi.Resource,
    *,
    plan: str = "",
) -> pulumi.ResourceHook:
    """Return a hook that lets the resource that it is bound to be made only if `check` returns.

    `record_of` makes what the check is told out of the inputs of that resource; `gate` is what its messages are of. In
    a preview the hook only shows `plan`.
    """

    async def before(hook: pulumi.ResourceHookArgs) -> None:
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(plan, gate)
            return
        await _run(check, record_of(hook.new_inputs or {}), gate)

    return pulumi.ResourceHook(name, before, pulumi.ResourceHookOptions(on_dry_run=bool(plan)))


def afterwards(
    name: str, check: Check, record_of: Callable[[Inputs], Mapping[str, str]], made: pulumi.Resource
) -> pulumi.ResourceHook:
    """Return a hook that runs `check` once the resource that it is bound to is made; a failure ends the update.

    `record_of` makes what the check is told out of the outputs of that resource; its messages are of `made`.
    """

    async def after(hook: pulumi.ResourceHookArgs) -> None:
        await _run(check, record_of(hook.new_outputs or {}), made)

    return pulumi.ResourceHook(name, after)


def _data_of(inputs: Inputs) -> Mapping[str, str]:
    return {key: str(value) for key, value in inputs.get("data", {}).items()}


async def _run(check: Check, data: Mapping[str, str], gate: pulumi.Resource) -> None:
    # Told of the gate, not of its record: the engine only knows the record once the check has let it.
    loop = asyncio.get_running_loop()

    def tell(text: str, *, ephemeral: bool) -> None:
        loop.call_soon_threadsafe(lambda: pulumi.log.info(text, gate, ephemeral=ephemeral))

    reporter = Reporter(
        line=lambda text: tell(text, ephemeral=False),
        live=lambda text: tell(text, ephemeral=True),
    )
    try:
        with INTERRUPTION.gate_at_work():
            await asyncio.to_thread(check, data, reporter)
    except (GateFailed, ClusterError, Unreachable):
        raise
    except Exception as error:
        text = f"the gate could not decide because of a fault in its own program: {type(error).__name__}: {error}"
        raise GateFailed(text) from error
