"""The error budget, over each pair of windows: what uses it up too fast, and what does not."""

from __future__ import annotations

from tests.monitoring_rules.case import Case, Fires, series
from tests.monitoring_rules.limit_cases import answered

ALERT = "ReleaseManagerErrorBudget"
SPENT = {"1h": "2 %", "6h": "5 %", "1d": "10 %", "3d": "10 %"}
SEVERITY = {"1h": "critical", "6h": "critical", "1d": "warning", "3d": "warning"}
HOURS = 7
MINUTES = 60 * HOURS


def fires(percent: str, *windows: str) -> list[Fires]:
    return [
        Fires(
            {"window": window, "severity": SEVERITY[window]},
            f"{percent} of the requests in staging failed in {window}: {SPENT[window]} of the error budget of 30 days",
        )
        for window in windows
    ]


def steady(errors: float, percent: str, *windows: str) -> Case:
    series = answered(errors, minutes=MINUTES)
    return Case(f"{percent} of errors for {HOURS} hours", ALERT, series, f"{MINUTES}m", fires(percent, *windows))


CASES = (
    steady(90, "1.5%", "1h", "6h", "1d", "3d"),
    steady(84, "1.4%", "6h", "1d", "3d"),
    steady(39, "0.65%", "6h", "1d", "3d"),
    steady(33, "0.55%", "1d", "3d"),
    steady(19.8, "0.33%", "1d", "3d"),
    steady(16.2, "0.27%", "3d"),
    steady(6.6, "0.11%", "3d"),
    steady(5.4, "0.09%"),
    Case(
        "an hour that is over, though the long windows remember it",
        ALERT,
        [
            series("release_manager_requests_total", f"0+6000x{MINUTES}", status="200"),
            series("release_manager_errors_total", f"0+90x60 5400x{MINUTES - 60}", type="internal"),
        ],
        f"{MINUTES + 10}m",
    ),
)
