"""What an update that failed has printed: how far it came, and why it ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# The engine's heading of the second half: until then it has only looked.
_UPDATING = re.compile(r"^Updating \(")
_ERROR = re.compile(r"\berror: (?P<what>.+)$")
# In which words the engine says that an update is not what was planned.
_NOT_AS_PLANNED = re.compile(r"violates plan|is not allowed by the plan|no plan for resource")
# Under a plan it also says of each step that it did not come to that it expected it, whatever has ended the update.
_NOT_COME_TO = re.compile(r"expected resource operations for")
# Its own summary names no reason.
_SUMMARY = re.compile(r"^(update|preview) failed\b|^one or more errors|^resource .* failed$")
# The engine looks at the cluster before it runs the program, by the kubeconfig that the update before used.
_UNREACHABLE = re.compile(r"failed to read resource state due to unreachable cluster")
_HOOK = re.compile(r'^before hook "[^"]*" failed: ')


@dataclass(frozen=True)
class Printed:
    """`lines` are the last that the update printed."""

    lines: Sequence[str]

    @property
    def begun(self) -> bool:
        """Whether it had begun to change something."""
        return any(_UPDATING.match(line) for line in self.lines)

    @property
    def not_as_planned(self) -> bool:
        """Whether it ended because it is not what was planned."""
        found = self._errors
        return any(_NOT_AS_PLANNED.search(each) for each in found) or (
            bool(found) and all(_NOT_COME_TO.search(each) for each in found)
        )

    @property
    def reason(self) -> str:
        """The line that says why it ended, as a person needs it; empty where none does."""
        found = [each for each in self._errors if not _NOT_COME_TO.search(each)]
        if any(_UNREACHABLE.search(each) for each in found):
            # Its own advice would make it forget whatever it cannot reach.
            return (
                "the cluster does not answer by the kubeconfig that the state names; is the file elsewhere on this"
                " machine? docs/backends.md has the way (PULUMI_K8S_DELETE_UNREACHABLE is none)"
            )
        # The engine says an error twice, as it happens and once more at its end, where it stands whole.
        return _HOOK.sub("", found[-1]) if found else ""

    @property
    def _errors(self) -> list[str]:
        found = (_ERROR.search(line) for line in self.lines)
        return [each["what"].strip() for each in found if each is not None and not _SUMMARY.match(each["what"])]
