"""The verification of a release: the last gate, whose record names what was verified."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.gate import Check, Gate, GateArgs, Record
from settings import Settings


@dataclass(frozen=True)
class VerificationArgs:
    """`record` is the release to verify, as its record will name it; `check` verifies it."""

    settings: Settings
    record: Record
    check: Check


class Verification(pulumi.ComponentResource):
    """Writes the record `<deployment>-verified` once the release has been verified.

    A release that fails its verification has been taken back by the time the update fails.
    """

    def __init__(self, name: str, args: VerificationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Verification", name, {}, opts)
        self.gate = Gate(
            name,
            GateArgs(
                record=f"{args.settings.application.deployment}-verified",
                namespace=args.settings.cluster.namespace,
                data=args.record,
                check=args.check,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
