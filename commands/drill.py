"""Rehearses the way back: a release that is bad on purpose, which the program has to take back, and the proof of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from checks.health import HealthCheck
from checks.reader import Unreachable
from checks.script import Script
from checks.verdict import Kind, Verdict
from checks.waiting import Reporter
from cluster.api import Cluster
from cluster.config_map import change_config_map
from cluster.errors import ClusterError, GateFailed
from cluster.history.history import Attempt, History
from cluster.names import Names
from cluster.releases import VerifiedRelease, serving_release
from concerns.drill import FaultSettings
from evidence.checklist.drill_item import DrillProof, drill_record
from settings import OVERLAY, Settings, merge, read_overlay

COMMAND = "pulumi up --yes --skip-preview --policy-pack policies"
# Runs the update with variables of its own, and says how it ended.
Update = Callable[[Script, Mapping[str, str]], Verdict]


@dataclass(frozen=True)
class Drill:
    """One rehearsal on `stack`, by `by`. `update` runs the engine, `health` asks what the users are answered.

    Deliberately releases what serves already, with the fault laid over it: so the database is left alone, and what
    is rehearsed is the rollback and nothing else.
    """

    stack: str
    by: str
    settings: Settings
    cluster: Cluster
    names: Names
    update: Update
    health: HealthCheck
    reporter: Reporter
    wall_clock: Callable[[], datetime]

    def run(self, version: str) -> list[str]:
        """Rehearse with `version`, that of the checkout, and return what is read at the end.

        Raises ClusterError or Unreachable where nothing was released, and GateFailed where the drill did not pass; the
        proof of what happened is written in both of its ends.
        """
        fault, good = self._fault(), self._serving(version)
        before = self._attempts()
        last = before[0].number if before else 0
        self.reporter.line(
            f"drill: {version} is released on {self.stack} with a fault ({', '.join(sorted(fault.environment))});"
            " the update has to fail, and the pods to go back"
        )
        with self._overlay(fault.environment) as overlay:
            script = Script("drill", (*COMMAND.split(), "--stack", self.stack), fault.timeout_seconds)
            ended = self.update(script, {OVERLAY: str(overlay)})
        attempt = next((each for each in self._attempts() if each.number > last), None)
        wrong = self._wrong(ended, attempt, good)
        proof = DrillProof(
            at=self.wall_clock(),
            stack=self.stack,
            version_good=version,
            version_bad=f"{version} with {', '.join(sorted(fault.environment))}",
            by=self.by,
            passed=not wrong,
            seconds_to_safe=0.0 if attempt is None else _seconds(attempt),
        )
        self._write(proof)
        if wrong or attempt is None:
            raise GateFailed(
                f"the drill on {self.stack} did not pass: {wrong}. Look at make history STACK={self.stack}; when"
                f" {version} does not serve: make rollback STACK={self.stack} TO={version}"
            )
        return [
            f"the drill on {self.stack} passed: {attempt.cause}",
            f"{version} serves again {proof.seconds_to_safe:.0f} s after the bad release was begun",
            f"proof: ConfigMap {drill_record(self.names.deployment)} in {self.cluster.namespace}, {proof.at:%Y-%m-%d}",
        ]

    def _fault(self) -> FaultSettings:
        if self.settings.environment == "prod":
            raise ClusterError(
                "a drill releases what is bad, and prod is for its users", mend="make drill STACK=staging"
            )
        if self.settings.drill is None:
            raise ClusterError(
                f"stack {self.stack} does not say how its application is broken on purpose",
                mend=f"set drill.environment in Pulumi.{self.stack}.yaml",
            )
        return self.settings.drill

    def _serving(self, version: str) -> VerifiedRelease:
        found = serving_release(self.cluster, self.names.deployment)
        if found is not None and found.release.version == version:
            return found
        serves = "nothing that was verified" if found is None else found.release.version
        raise ClusterError(
            f"{self.stack} runs {serves}, and a drill goes back to {version}, the version of this checkout",
            mend=f"make up STACK={self.stack}, then make drill STACK={self.stack}",
        )

    def _attempts(self) -> list[Attempt]:
        return History(self.cluster, self.names.deployment).read()

    def _wrong(self, ended: Verdict, attempt: Attempt | None, good: VerifiedRelease) -> str:
        """Say what of the rehearsal was not as it must be; empty where all of it was."""
        if ended.kind is Kind.PASS:
            return "the bad release was verified: no step of the verification saw the fault"
        if ended.kind is not Kind.FAIL:
            return ended.reason
        if attempt is None:
            return f"the update ended before a gate could judge it ({ended.reason})"
        if not any(each.kind == "rollback" for each in attempt.entries):
            return f"the update failed and was not taken back: {attempt.cause or ended.reason}"
        return self._not_as_before(good)

    def _not_as_before(self, good: VerifiedRelease) -> str:
        try:
            serving = serving_release(self.cluster, self.names.deployment)
        except (ClusterError, Unreachable) as error:
            return f"what serves now cannot be read: {error}"
        if serving is None or serving.release != good.release:
            return f"{'an unknown release' if serving is None else serving.release.identity} serves afterwards"
        answers = self.health.run(good.release.version, self.reporter)
        return "" if answers.kind is Kind.PASS else f"after the rollback /health is not good: {answers}"

    @contextmanager
    def _overlay(self, environment: Mapping[str, str]) -> Iterator[Path]:
        """Give a file with the overlay of this machine and the fault above it, until the body ends."""
        wanted: dict[str, Any] = merge(read_overlay(), {"application": {"environment": dict(environment)}})
        handle, name = tempfile.mkstemp(prefix="release-manager-drill-", suffix=".yaml")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                # JSON is YAML.
                json.dump(wanted, file, default=str)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _write(self, proof: DrillProof) -> None:
        change_config_map(self.cluster, drill_record(self.names.deployment), lambda _found: proof.to_data())


def _seconds(attempt: Attempt) -> float:
    """Return how long the bad release was there: from its first record until its rollback had ended."""
    ends = [each.at for each in attempt.entries if each.kind == "rollback"]
    return (ends[-1] - attempt.entries[0].at).total_seconds() if ends else attempt.seconds
