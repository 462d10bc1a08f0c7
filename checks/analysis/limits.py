"""What a canary is measured against."""

from __future__ import annotations

from dataclasses import dataclass

ERRORS_PART_OF_FALSE_ABORTS = 0.8
SLOW_PART_OF_FALSE_ABORTS = 0.1
SLOWER_PART_OF_FALSE_ABORTS = 0.1


@dataclass(frozen=True)
class Limits:
    """Above which shares of bad requests a canary fails, and how certain that has to be.

    `error_share`: requests with an error. `slow_share`: requests slower than `slow_seconds`. `slower_margin`: by how
    many points (as a share) more of the canary's requests than of stable's may be slower than what stable usually
    takes. `false_abort`: the chance that a good canary is aborted at any look of a gate. `promote_level`: the chance
    that a canary is promoted though its rate is what the step had to rule out. Raises ValueError for what is not a
    share between 0 and 1.
    """

    error_share: float = 0.001
    slow_seconds: float = 0.5
    slow_share: float = 0.01
    false_abort: float = 0.01
    promote_level: float = 0.05
    slower_margin: float = 0.10

    def __post_init__(self) -> None:
        for name in ("error_share", "slow_share", "false_abort", "promote_level", "slower_margin"):
            _check_share(name, getattr(self, name))
        if self.slow_seconds <= 0:
            raise ValueError(f"slow_seconds is {self.slow_seconds}: allowed is more than 0")

    @property
    def false_abort_for_errors(self) -> float:
        """The part of `false_abort` that the test of errors may use; the three parts add up to the whole.

        It has most of it, since a bad answer more or less shows there: with 1/125 two errors among the first 40
        requests are enough, with 1/200 it takes three. The two others judge shares of 1 % and more, where ten times
        the certainty costs about one request.
        """
        return self.false_abort * ERRORS_PART_OF_FALSE_ABORTS

    @property
    def false_abort_for_slow(self) -> float:
        """The part of `false_abort` that the test of slow requests may use."""
        return self.false_abort * SLOW_PART_OF_FALSE_ABORTS

    @property
    def false_abort_for_slower(self) -> float:
        """The part of `false_abort` that the comparison of the canary's latency with stable's may use."""
        return self.false_abort * SLOWER_PART_OF_FALSE_ABORTS


@dataclass(frozen=True)
class StepDemand:
    """What one step asks: the canary's share of the requests, and the rates that must be ruled out to promote.

    `expected_share` is 1 where no old pod is left: there is then no share to check. Raises ValueError for what is not
    a share between 0 and 1.
    """

    expected_share: float
    rule_out_errors: float = 0.01
    rule_out_slow: float = 0.05

    def __post_init__(self) -> None:
        check_expected_share(self.expected_share)
        _check_share("rule_out_errors", self.rule_out_errors)
        _check_share("rule_out_slow", self.rule_out_slow)


def check_expected_share(value: float) -> None:
    """Raise ValueError unless 0 <= value <= 1."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"expected_share is {value}: allowed is 0 to 1, the canary's share of the ready pods")


def _check_share(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}: allowed is above 0 and below 1, such as 0.01 for 1 %")
