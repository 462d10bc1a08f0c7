"""The approval of a release: nothing changes before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi

from checks.waiting import Reporter
from components.gate import Gate, GateArgs
from evidence.git import Revision
from evidence.image import FoundImage
from settings import Settings


@dataclass(frozen=True)
class ApprovalArgs:
    """`revision` and `image` are what was approved, or was not; `check` looks.

    `image` is None until it is built; `settled` says that the release was verified and serves.
    """

    settings: Settings
    revision: Revision
    image: FoundImage | None
    check: Callable[[Mapping[str, str], Reporter], None]
    settled: bool = False


class Approval(pulumi.ComponentResource):
    """Writes the record `<deployment>-approved` once the release is approved, in stacks that want an approval.

    In any other stack it holds nothing and stops nothing. An approval is of a version and its commit, so that it can be
    asked for before anything is built, and of the image where there is one. Once the release is settled the record
    stays as it is.
    """

    def __init__(self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Approval", name, {}, opts)
        if args.settings.approval.required:
            found = args.image if args.settings.image.found_again else None
            version = args.revision.version(args.settings.environment)
            Gate(
                name,
                GateArgs(
                    record=f"{args.settings.application.deployment}-approved",
                    namespace=args.settings.cluster.namespace,
                    data={
                        "version": version,
                        "revision": args.revision.sha,
                        **({} if found is None else {"image": found.reference}),
                    },
                    check=args.check,
                    stays=args.settled,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
