"""The seal of a plan: what it was made of, so that what is applied is what was approved, and still fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from commands.delivery.errors import DeliveryError
from commands.delivery.places import StackPlaces, write

# Longer than a window, shorter than a night: what was approved in the evening is not applied in the morning.
OLDEST = timedelta(hours=4)
# The engine marks what stands in place of a secret; the same secret looks different in every export.
_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105
_OF_A_RESOURCE = ("urn", "type", "id", "inputs", "delete", "protect", "provider", "parent", "dependencies")


class Seal(BaseModel):
    """What a plan was made of. `plan` and `state` are SHA-256 sums, of the plan's file and of the state before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    stack: str
    version: str
    commit: str
    made_at: AwareDatetime
    plan: str
    state: str

    @property
    def text(self) -> str:
        """The seal as its file holds it."""
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class Now:
    """How things stand where the plan is to be applied."""

    stack: str
    version: str
    commit: str
    at: datetime
    state: str


def seal(places: StackPlaces, now: Now) -> str:
    """Write the seal of the plan that lies there, and return its SHA-256: what people approve. Raises DeliveryError."""
    made = Seal(
        stack=now.stack,
        version=now.version,
        commit=now.commit,
        made_at=now.at,
        plan=_sha256_of(places.plan),
        state=now.state,
    )
    write(places.seal, made.text)
    return _sha256_of(places.seal)


def verify(places: StackPlaces, approved: str, now: Now) -> Seal:
    """Return the seal of the plan that lies there, if it is the approved one and still fits.

    Raises DeliveryError that names everything that is wrong with it: then nothing was changed.
    """
    again = f"make save-plan STACK={now.stack}, and let that plan be approved"
    if _sha256_of(places.seal) != approved:
        raise DeliveryError(
            f"{places.seal} is not the seal that was approved: its SHA-256 is {_sha256_of(places.seal)[:16]}..., and"
            f" {approved[:16] or 'none'}... was approved. Plan or seal were changed; nothing was applied",
            mend=f"take the plan from the run that was approved, or {again}",
        )
    try:
        found = Seal.model_validate_json(places.seal.read_bytes())
    except ValidationError:
        raise DeliveryError(f"{places.seal} is no seal of a plan; nothing was applied", mend=again) from None
    wrong = list(_wrong(found, places, now))
    if wrong:
        lines = "".join(f"\n  {each}" for each in wrong)
        raise DeliveryError(f"the plan for {found.stack} must not be applied; nothing was changed:{lines}", mend=again)
    return found


def _wrong(found: Seal, places: StackPlaces, now: Now) -> Iterator[str]:
    if _sha256_of(places.plan) != found.plan:
        yield f"{places.plan} was changed after it was made"
    if found.stack != now.stack:
        yield f"it is for stack {found.stack}, not for {now.stack}"
    if found.commit != now.commit:
        yield f"it is of commit {found.commit[:7]}, and this is {now.commit[:7]}"
    elif found.version != now.version:
        yield f"it is of version {found.version}, and this is {now.version}"
    age = now.at - found.made_at
    if age > OLDEST:
        hours = OLDEST.total_seconds() / 3600
        yield f"it is stale: made {age.total_seconds() / 3600:.1f} h ago, and a plan holds for {hours:g} h"
    if found.state != now.state:
        yield "it is stale: the stack was updated since it was made"


def fingerprint(exported: str) -> str:
    """Return the SHA-256 of what `pulumi stack export` printed, as far as an update changes it.

    Times, and how a secret happens to be encrypted, are left out. Raises DeliveryError.
    """
    try:
        found = json.loads(exported)
        resources = (found.get("deployment") or {}).get("resources") or []
        facts = sorted(json.dumps(_plain({key: each.get(key) for key in _OF_A_RESOURCE})) for each in resources)
    except (ValueError, AttributeError):
        raise DeliveryError(
            "'pulumi stack export' printed no state", mend="run it by hand and see what it says"
        ) from None
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if _SECRET_MARK in value:
        return {"secret": value[_SECRET_MARK]}
    return {key: _plain(each) for key, each in sorted(value.items())}


def _sha256_of(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise DeliveryError(
            f"{file} cannot be read ({error.strerror}); nothing was applied",
            mend="take the artifact of the job that made the plan, and keep its paths",
        ) from error
