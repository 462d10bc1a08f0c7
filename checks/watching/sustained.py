"""A limit that is exceeded for a moment proves nothing of a release: it has to last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from checks.verdict import Kind, Verdict
from checks.waiting import Clock


@dataclass
class Sustained:
    """Lets a FAIL through only once every look for `seconds` was one.

    Until then it is TOO_FEW. A look that knows nothing begins anew: what was not seen is not held against a release.
    """

    seconds: float
    clock: Clock
    _since: float | None = field(default=None, init=False)

    def judge(self, found: Verdict) -> Verdict:
        """Return `found`, or that it has not lasted for long enough."""
        if found.kind is not Kind.FAIL:
            self._since = None
            return found
        now = self.clock.now()
        if self._since is None:
            self._since = now
        lasted = now - self._since
        if lasted >= self.seconds and self.seconds > 0:
            return replace(found, reason=f"{found.reason}, for {lasted:.0f} s now")
        reason = f"{found.reason}, for {lasted:.0f} s; it counts once it has lasted for {self.seconds:.0f} s"
        return replace(found, kind=Kind.TOO_FEW, reason=reason)
