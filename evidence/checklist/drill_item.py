"""Item 19: the rollback was tried for real, not too long ago, and worked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from checks.reader import Unreachable
from cluster.api import Cluster
from cluster.errors import ClusterError
from concerns.checklist_sources import DrillSettings
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE, SKEW, duration, not_set, unanswered

LARGEST_FILE_BYTES = 100_000
Read = Callable[[], Mapping[str, str] | None]


@checked(frozen=True, kw_only=True)
class DrillProof:
    """One drill on `stack`: `version_bad` was released over `version_good`, and the program had to take it back.

    `passed` says whether it did, and left the good version serving; `seconds_to_safe` is from the first bad answer
    until no request reached the bad version any more. `by` is who ran it.
    """

    at: AwareDatetime
    stack: str = Field(min_length=1)
    version_good: str = Field(min_length=1)
    version_bad: str = Field(min_length=1)
    by: str = Field(min_length=1)
    passed: bool
    seconds_to_safe: float = Field(ge=0, allow_inf_nan=False)

    def to_data(self) -> dict[str, str]:
        """Return it as the data of a ConfigMap, which is also what releases/drill.json holds."""
        facts = asdict(self)
        return {
            **{name: str(value) for name, value in facts.items()},
            "at": self.at.isoformat(),
            "passed": "true" if self.passed else "false",
        }

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> DrillProof:
        """Return what `to_data` made. Raises ValueError, which names the first key that is wrong."""
        try:
            return _PROOF.validate_strings(dict(data))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = f"{where or 'it'}: {first['msg']}"
            raise ValueError(message) from None


_PROOF = TypeAdapter(DrillProof)


def drill_record(deployment: str) -> str:
    """Return the name of the ConfigMap in which the drill of a Deployment leaves its proof."""
    return f"{deployment}-drill"


@dataclass(frozen=True)
class _Place:
    source: str
    read: Read


def drill_prover(
    wanted: DrillSettings | None,
    *,
    stack: str,
    directory: Path,
    cluster_in: Callable[[str], Cluster],
    wall_clock: Callable[[], datetime],
) -> Prover:
    """Return what proves that the rollback works. A file of the settings lies below `directory`.

    `cluster_in` returns the cluster seen from a namespace, as from that of the stack that the drill is run on.
    """
    if wanted is None:
        return lambda: not_set("checklist.drill", stack, "where the proof of the last drill is")
    place = _place(wanted, directory, cluster_in)
    mend = f"make drill STACK={wanted.stack}"

    def prove() -> Proof:
        try:
            data = place.read()
            drill = None if data is None else DrillProof.from_data(data)
        except (ClusterError, Unreachable, OSError, *NONSENSE) as error:
            return unanswered(place.source, error, f"see that it can be read, or make it anew: {mend}")
        if drill is None:
            return Proof(State.MISSING, place.source, "there was no drill yet", closes=mend)
        return _judge(drill, wanted, place.source, wall_clock(), mend)

    return prove


def _judge(drill: DrillProof, wanted: DrillSettings, source: str, now: datetime, mend: str) -> Proof:
    what = f"on {drill.at:%Y-%m-%d} {drill.stack} was taken back from {drill.version_bad} to {drill.version_good}"
    value = f"{what} in {drill.seconds_to_safe:.1f} s, run by {drill.by}"
    age, limit = now - drill.at, timedelta(days=wanted.maximum_age_days)
    seen = f"{duration(age)} ago"
    if age < -SKEW:
        error = ValueError(f"the drill is from the future: {drill.at:%Y-%m-%d %H:%M %Z}")
        return unanswered(source, error, f"make it anew: {mend}")
    if drill.stack != wanted.stack:
        value = f"the drill was run on {drill.stack}, and that of {wanted.stack} counts"
        return Proof(State.MISSING, source, value, seen=seen, closes=mend)
    if not drill.passed:
        value = f"the drill of {drill.at:%Y-%m-%d} with {drill.version_bad} did not pass"
        return Proof(State.MISSING, source, value, seen=seen, closes=f"mend the rollback, then: {mend}")
    if age > limit:
        value = f"{value}: more than {wanted.maximum_age_days} days ago"
        return Proof(State.EXPIRED, source, value, seen=seen, closes=mend)
    return Proof(State.PROVEN, source, value, seen=seen, until=f"{drill.at + limit:%Y-%m-%d}")


def _place(wanted: DrillSettings, directory: Path, cluster_in: Callable[[str], Cluster]) -> _Place:
    if wanted.file is not None:
        file = wanted.file
        return _Place(file, lambda: _in_file(directory / file))
    name, namespace = drill_record(wanted.deployment or ""), wanted.namespace or ""
    return _Place(f"ConfigMap {name} in {namespace}", lambda: _in_config_map(cluster_in(namespace), name))


def _in_config_map(cluster: Cluster, name: str) -> Mapping[str, str] | None:
    found = cluster.config_map(name)
    return None if found is None else dict(found.get("data") or {})


def _in_file(file: Path) -> Mapping[str, str] | None:
    if not file.is_file():
        return None
    if file.stat().st_size > LARGEST_FILE_BYTES:
        message = f"it has more than {LARGEST_FILE_BYTES} bytes"
        raise ValueError(message)
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        message = "it is no JSON object of texts"
        raise ValueError(message)
    return found
