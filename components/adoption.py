"""The adoption of what serves already: a Deployment that was made by hand, or before this program marked its pods."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.gate import Check, Gate, GateArgs
from settings import Settings

NOTHING = "nothing"


@dataclass(frozen=True)
class AdoptionArgs:
    """`adopts` says in one line what is, or was, taken over; empty where nothing was. `check` does it."""

    settings: Settings
    adopts: str
    check: Check


class Adoption(pulumi.ComponentResource):
    """Writes the record `<deployment>-adopted` once what serves carries the labels that the Service will select by.

    The record says what was taken over and nothing of a release, so that the next update finds it and adopts nothing.
    """

    def __init__(self, name: str, args: AdoptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Adoption", name, {}, opts)
        Gate(
            name,
            GateArgs(
                record=f"{args.settings.application.deployment}-adopted",
                namespace=args.settings.cluster.namespace,
                data={"adopts": args.adopts or NOTHING},
                check=args.check,
                plan=f"adoption: {args.adopts}" if args.adopts else "",
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
