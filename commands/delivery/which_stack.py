"""Tells which stack a push is for: a branch is for the stack without release tags, a tag for the one of its form."""

from __future__ import annotations

from collections.abc import Mapping

from commands.delivery.errors import DeliveryError
from commands.delivery.surroundings import Surroundings
from commands.release import is_of
from concerns.release import ReleaseSettings

TAG = "tag"


def which_stack(stacks: Mapping[str, ReleaseSettings], surroundings: Surroundings) -> list[str]:
    """Return the stack that the branch or tag of this run is for, and hand it on as `stack`. Raises DeliveryError.

    `stacks` are those of the stack files, in the order of a release, each with what makes a commit a release of it.
    """
    kind = surroundings.need("GITHUB_REF_TYPE", "branch or tag")
    name = surroundings.need("GITHUB_REF_NAME", "the name of the branch or tag")
    found = [stack for stack, release in stacks.items() if _is_for(release, name if kind == TAG else None)]
    if len(found) != 1:
        forms = ", ".join(f"{stack}: {release.tag or 'a branch'}" for stack, release in stacks.items())
        raise DeliveryError(
            f"{kind} '{name[:80]}' is for {' and '.join(found) or 'no stack'}, and a push is for one; forms: {forms}",
            mend="make release STACK=<stack>, which names the tag rightly",
        )
    surroundings.hand_on("stack", found[0])
    return [f"{kind} {name} is for {found[0]}"]


def _is_for(release: ReleaseSettings, tag: str | None) -> bool:
    if tag is None or release.tag is None:
        return tag is None and release.tag is None
    return is_of(tag, release.tag)
