"""Whether the canary's share of bad requests is above the limit, or below what the step must rule out.

Where stable is evidently above the limit as well (a backend that fails for everybody), the canary fails only if it is
also worse than stable at the same moment. Otherwise the limit alone decides, which is far quicker than a comparison.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from checks.analysis.bounds import lower_bound, requests_to_go, rules_out, upper_bound
from checks.analysis.counts import Counts
from checks.analysis.limit_test import is_above, log_evidence_above
from checks.analysis.two_samples import WorseThanStable

# To take blame off the canary, little is enough: it only makes the comparison with stable decide, which still finds a
# canary that is worse. So what counts is the evidence of any stretch that reaches back from now, too: an outage that
# began a second ago must not drown in ten good minutes.
_STABLE_ALSO_ABOVE = 3.0
_RECENT_LOOKS = 30


@dataclass(frozen=True)
class StreamFinding:
    """What one look says. Rates are shares; `log_` is the logarithm of an e-value (see limit_test.py).

    `at_most` and `at_least` hold with the level of promoting; `to_go` is the number of good requests that are still to
    be seen.
    """

    counts: Counts
    log_above_limit: float
    log_worse_than_stable: float
    above_limit: bool
    stable_shows_the_same: bool
    worse_than_stable: bool
    at_least: float
    at_most: float
    ruled_out: bool
    to_go: int

    @property
    def failed(self) -> bool:
        """Whether the canary is bad, and to blame for it."""
        return self.above_limit and (self.worse_than_stable or not self.stable_shows_the_same)

    @property
    def excused(self) -> bool:
        """Whether the canary is above the limit together with stable."""
        return self.above_limit and not self.failed


@dataclass
class Stream:
    """The running judgement of one kind of bad request.

    `limit` and `rule_out` are shares, `false_abort` and `promote_level` chances; all between 0 and 1.
    """

    limit: float
    rule_out: float
    false_abort: float
    promote_level: float
    _worse: WorseThanStable = field(default_factory=WorseThanStable)
    _taken_in: Counts = field(default_factory=Counts)
    _recent: deque[Counts] = field(default_factory=lambda: deque(maxlen=_RECENT_LOOKS))
    _stable_last_answered: Counts = field(default_factory=Counts)
    _silent_looks: int = 0

    def look(self, counts: Counts) -> StreamFinding:
        """Judge what was counted since the gate began."""
        later = counts.since(self._taken_in)
        if later is not None:
            self._worse.add(later)
            self._recent.append(later)
            self._taken_in = counts
        self._note_silence(counts)
        requests, bad = counts.canary_requests, counts.canary_bad
        return StreamFinding(
            counts=counts,
            log_above_limit=log_evidence_above(requests, bad, self.limit),
            log_worse_than_stable=self._worse.log_evidence,
            above_limit=is_above(requests, bad, self.limit, self.false_abort),
            stable_shows_the_same=self._stable_also_above(counts) and not self._bad_since_stable_is_gone(counts),
            worse_than_stable=self._worse.is_worse(self.false_abort),
            at_least=lower_bound(requests, bad, self.promote_level),
            at_most=upper_bound(requests, bad, self.promote_level),
            ruled_out=rules_out(requests, bad, self.rule_out, self.promote_level),
            to_go=requests_to_go(requests, bad, self.rule_out, self.promote_level),
        )

    def _note_silence(self, counts: Counts) -> None:
        if counts.stable_requests > self._stable_last_answered.stable_requests:
            self._stable_last_answered, self._silent_looks = counts, 0
        else:
            self._silent_looks += 1

    def _stable_also_above(self, counts: Counts) -> bool:
        enough = math.log(_STABLE_ALSO_ABOVE)
        if log_evidence_above(counts.stable_requests, counts.stable_bad, self.limit) >= enough:
            return True
        requests = bad = 0
        for look in reversed(self._recent):
            requests, bad = requests + look.stable_requests, bad + look.stable_bad
            if look.stable_bad and log_evidence_above(requests, bad, self.limit) >= enough:
                return True
        return False

    def _bad_since_stable_is_gone(self, counts: Counts) -> bool:
        """Return whether the canary is bad by itself, after stable has answered its last request.

        An outage that both went through excuses what the canary did then, not what it does alone afterwards. This only
        ever adds to the limit having been crossed, so it adds nothing to the chance of a false abort.
        """
        alone = counts.since(self._stable_last_answered)
        if self._silent_looks < _RECENT_LOOKS or alone is None:
            return False
        return is_above(alone.canary_requests, alone.canary_bad, self.limit, self.false_abort)
