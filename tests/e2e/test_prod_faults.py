"""A bad release of production is found by its own pods and taken back whole, for the right reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.faults import (
    RATE,
    check_preview_is_true,
    check_taken_back,
    released,
    serving,
    settings,
    without_an_answer,
)
from tests.e2e.stack import Stack


@dataclass(frozen=True)
class Fault:
    """`reason` is what the error must say, `log` what the log lines beneath it.

    At most `bad` requests may get a bad answer, and at most `lost` none.
    """

    environment: dict[str, str]
    reason: str
    bad: int = 0
    lost: int = 0
    log: str = ""
    analysis: dict[str, Any] = field(default_factory=dict)


EACH_TIME = "all its answers are errors"
ENDED_WITH_AN_ERROR = "requests to the canary ended with an error"
FAULTS = {
    # A tenth of the requests, for a second or two.
    EACH_TIME: Fault({"FAULT_ERROR_RATE": "1"}, ENDED_WITH_AN_ERROR, bad=40),
    "5 % of its answers are errors": Fault({"FAULT_ERROR_RATE": "0.05"}, ENDED_WITH_AN_ERROR, bad=20),
    # Too few to be seen at the first step for certain: at the latest when half of the users or all of them have it.
    "1 % of its answers are errors": Fault(
        {"FAULT_ERROR_RATE": "0.01"}, ENDED_WITH_AN_ERROR, bad=30, analysis={"rule_out_error_percent": [5, 1, 0.3]}
    ),
    "it answers later than the limit": Fault({"FAULT_LATENCY_SECONDS": "0.8"}, "took longer than 0.5 s"),
    # Far more than a busy machine adds to all versions alike.
    "it takes many times as long, below the limit": Fault(
        {"FAULT_LATENCY_SECONDS": "0.2"}, "chance of this with a canary as fast as stable below 1 in "
    ),
    # What is on its way to a process that crashes is lost, until the cluster sees that it is gone.
    "it crashes after 20 s": Fault(
        {"FAULT_CRASH_AFTER_SECONDS": "20"},
        "crashed with exit code 1 after it had been ready",
        lost=30,
        log="crashing by FAULT_CRASH_AFTER_SECONDS",
        analysis={"minimum_seconds": 25},
    ),
    "it leaks memory": Fault(
        {"FAULT_MEMORY_BYTES_PER_SECOND": "20000000"},
        "of the memory that it is allocated (limit: below 70%)",
        analysis={"minimum_seconds": 25},
    ),
    "its configuration is wrong": Fault(
        {"DATABASE_POOL_SIZE": "many"},
        "crashed with exit code 2, 2 times",
        log="DATABASE_POOL_SIZE is 'many'; allowed is a whole number from 1 to 500",
    ),
}
OTHERS = [each for each in FAULTS if each != EACH_TIME]
# One for each way back: nothing but the canary had moved, and stable had.
PREVIEWED = {EACH_TIME, "1 % of its answers are errors"}


@pytest.fixture(scope="module")
def production(prod: Stack) -> Stack:
    """Production with a good version on all pods."""
    return released(prod)


@pytest.mark.parametrize("what", [EACH_TIME, *(pytest.param(each, marks=pytest.mark.thorough) for each in OTHERS)])
def test_a_bad_canary_is_taken_back_for_the_right_reason_and_nobody_else_is_hurt(production: Stack, what: str) -> None:
    fault, before = FAULTS[what], serving(production)

    result, load = production.up_under_load(
        "--skip-preview", rate=RATE, settings=settings(fault.environment, fault.analysis)
    )

    check_taken_back(production, before, result, reason=fault.reason)
    assert fault.log in result.text
    lost = without_an_answer(load)
    assert load.bad - lost <= fault.bad, "\n".join(load.lines())
    assert lost <= fault.lost, "\n".join(load.lines())
    if what in PREVIEWED:
        check_preview_is_true(production)
