"""The approval of a release: nothing changes before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi

from checks.waiting import Reporter
from components.gate import Gate, GateArgs
from settings import Settings


@dataclass(frozen=True)
class ApprovalArgs:
    """`version` is what was approved, or was not; `check` looks."""

    settings: Settings
    version: str
    check: Callable[[Mapping[str, str], Reporter], None]


class Approval(pulumi.ComponentResource):
    """Writes the record `<deployment>-approved` once the release is approved, in stacks that want an approval.

    In any other stack it holds nothing and stops nothing. Deliberately knows nothing of the image: an approval is
    given to a version, so it can be asked for before anything is built.
    """

    def __init__(self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Approval", name, {}, opts)
        if args.settings.approval.required:
            Gate(
                name,
                GateArgs(
                    record=f"{args.settings.application.deployment}-approved",
                    namespace=args.settings.cluster.namespace,
                    data={"version": args.version},
                    check=args.check,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
