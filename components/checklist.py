"""The pre-deployment checklist of a release: what everything else waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.enforcement import refuse_open
from evidence.checklist.checklist import Checklist as Found
from evidence.checklist.table import table
from policies.rules.checklist import CHECKLIST
from settings import Settings


@dataclass(frozen=True)
class ChecklistArgs:
    """`found` is how the items stand, None where the environment requires none.

    `settled` says that the release was verified and serves.
    """

    settings: Settings
    found: Found | None
    settled: bool


class Checklist(pulumi.ComponentResource):
    """Shows the nineteen items, and keeps in the record `<deployment>-checklist` how each of them stood.

    While an item that is required is open, an update ends here, before anything is declared; a preview goes on, to
    show what else there is. The policies look at its inputs as well, so it is registered before anything that they are
    to hold up. Deliberately proves nothing: the evidence does. A rollback leaves the record: it goes on saying how the
    items of the release that it names stood when that release was begun. Once the release is settled both stay as they
    are: how the items stand today is no change of it. Without a checklist it holds nothing.
    """

    def __init__(self, name: str, args: ChecklistArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # Without what changes with every look: an unchanged situation shows no change.
        inputs = {} if args.found is None else args.found.inputs()
        stays = pulumi.ResourceOptions(ignore_changes=list(inputs) if args.settled else None)
        super().__init__(CHECKLIST, name, inputs, pulumi.ResourceOptions.merge(opts, stays))
        if args.found is not None:
            if not args.settled:
                self._hold(args.found)
            self._keep(name, args, inputs)
        self.register_outputs({})

    def _hold(self, found: Found) -> None:
        pulumi.log.info(table(found, datetime.now(UTC).date()), self)
        if not pulumi.runtime.is_dry_run():
            refuse_open(found.inputs()["items"], found.environment)

    def _keep(self, name: str, args: ChecklistArgs, inputs: Mapping[str, Any]) -> None:
        k8s.core.v1.ConfigMap(
            f"{name}-record",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=f"{args.settings.application.deployment}-checklist",
                namespace=args.settings.cluster.namespace,
            ),
            data={"version": inputs["version"], **{key: _line(item) for key, item in inputs["items"].items()}},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["data"] if args.settled else None),
        )


def _line(item: Mapping[str, Any]) -> str:
    """Return in one line how an item stands, by what, and until when."""
    facts = [f"{item['state']}: {item['value']}" if item["value"] else str(item["state"])]
    facts += [f"{name} {item[name]}" for name in ("source", "until", "link") if item.get(name)]
    return "; ".join([*facts, "required" if item["required"] else "not required"])
