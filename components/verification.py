"""The verification of a release: the last gate, whose record names what was verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi

from checks.waiting import Reporter
from components.gate import Gate, GateArgs
from settings import Settings


@dataclass(frozen=True)
class VerificationArgs:
    """The release to verify, field by field as its record will name it."""

    settings: Settings
    version: str
    image: pulumi.Input[str]
    configuration: str
    revision: str
    check: Callable[[Mapping[str, str], Reporter], None]


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
                data={
                    "version": args.version,
                    "image": args.image,
                    "configuration": args.configuration,
                    "revision": args.revision,
                },
                check=args.check,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
