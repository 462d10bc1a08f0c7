"""One update of a stack, as the README describes it, and what it came to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from sandbox.errors import SandboxError
from sandbox.locks import Locks
from sandbox.phases import Timing
from sandbox.pulumi_runner import PulumiRunner

POLICIES = ("--policy-pack", "policies")
HEALTH_SECONDS = 5.0


@dataclass(frozen=True)
class Updater:
    """Runs updates of one stack with the policy pack, on the backend of the sandbox."""

    runner: PulumiRunner
    stack: str

    def up(self) -> None:
        """Run `pulumi up`. Raises SandboxError if it fails; what is wrong has been printed by then."""
        self.runner.select(self.stack)
        self.remove_stale_locks()
        status = self.runner.run(["up", "--stack", self.stack, *POLICIES, "--yes"])
        if status != 0:
            raise SandboxError(
                f"the update of {self.stack} failed; the reason stands above, behind 'error:'",
                mend=f"mend what it names, then run: make up STACK={self.stack}",
            )

    def remove_stale_locks(self) -> None:
        """Remove the lock of an update of this machine that was killed; one that runs keeps its lock."""
        backend = self.runner.environment.variables["PULUMI_BACKEND_URL"]
        gone = Locks(Path(backend.removeprefix("file://"))).stale(self.stack)
        if gone:
            print(f"an update of {self.stack} was killed (process {gone[0]}); its lock is removed")
            self.runner.output(["cancel", "--stack", self.stack, "--yes"])

    def preview(self) -> None:
        """Run `pulumi preview`. Raises SandboxError if it fails."""
        self.runner.select(self.stack)
        if self.runner.run(["preview", "--stack", self.stack, *POLICIES]) != 0:
            raise SandboxError(f"the preview of {self.stack} failed", mend="mend what stands above, behind 'error:'")

    def outputs(self) -> Mapping[str, Any]:
        """Return the outputs of the stack."""
        found: Mapping[str, Any] = json.loads(self.runner.output(["stack", "output", "--json", "--stack", self.stack]))
        return found


def health(url: str, connect_to: str) -> str:
    """Return in a few words what /health answers at `url`, asked at address `connect_to` where one is given."""
    address = httpx.URL(url)
    target = address.copy_with(host=connect_to) if connect_to else address
    try:
        # The verification has judged it under TLS already; this line only shows what stands there now.
        answer = httpx.get(target, headers={"Host": address.host}, timeout=HEALTH_SECONDS, verify=False)  # noqa: S501
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return f"no answer ({type(error).__name__})"
    checks = ", ".join(f"{name} {value}" for name, value in body.get("checks", {}).items())
    return f"{body.get('status')}, version {body.get('version')} ({checks})"


def summary(facts: Mapping[str, str], timings: list[Timing], console: Console) -> None:
    """Print what the update came to, and how long each phase took."""
    console.print()
    for name, value in facts.items():
        console.print(f"{name:<9} {value}", markup=False)
    times = ", ".join(f"{timing.name} {timing.seconds:.1f} s" for timing in timings)
    console.print(f"{'times':<9} {times}; together {sum(timing.seconds for timing in timings):.1f} s", markup=False)
