"""The error budget: how fast it is used up, over a long window and a short one at once.

The long window says that it matters, the short one that it is still so; the pairs and factors are those of the Site
Reliability Workbook, for an objective over 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.queries import Queries
from monitoring.rule import Alert, Group, Recording, Severity, number
from monitoring.subject import Watched

BUDGET_ALERT = "ReleaseManagerErrorBudget"
BY = ("namespace",)


@dataclass(frozen=True)
class Burn:
    """`factor` times as fast as the budget allows, over both windows; `spent` of it is then gone after the long one."""

    long: str
    short: str
    factor: float
    spent: str
    severity: Severity
    for_seconds: int


BURNS = (
    Burn("1h", "5m", 14.4, "2 %", "critical", 120),
    Burn("6h", "30m", 6, "5 %", "critical", 300),
    Burn("1d", "2h", 3, "10 %", "warning", 900),
    Burn("3d", "6h", 1, "10 %", "warning", 1800),
)


def ratio(window: str) -> str:
    """Return the name of the recorded share of failed requests, of all versions together, over `window`."""
    return f"release_manager:all_error_ratio:rate{window}"


def budget_recordings(watched: Watched) -> Group:
    """Return the error ratios over every window that an alert looks at."""
    windows = dict.fromkeys(window for burn in BURNS for window in (burn.short, burn.long))
    return Group(
        "release-manager.error-budget",
        tuple(Recording(ratio(window), Queries(watched, window).error_ratio(BY)) for window in windows),
    )


def budget_alerts(watched: Watched) -> Group:
    """Return one alert for each pair of windows.

    None of them holds a release up: they look back over hours in which another version served, and the canary's own
    errors are counted by its gates.
    """
    return Group("release-manager.error-budget.alerts", tuple(_alert(watched, burn) for burn in BURNS))


def _alert(watched: Watched, burn: Burn) -> Alert:
    namespace = f'{{namespace="{watched.namespace}"}}'
    above = number(burn.factor * watched.limits.error_budget)
    return Alert(
        name=BUDGET_ALERT,
        about="error budget",
        severity=burn.severity,
        expr=f"{ratio(burn.long)}{namespace} > {above} and {ratio(burn.short)}{namespace} > {above}",
        for_seconds=burn.for_seconds,
        summary=(
            f"{{{{ $value | humanizePercentage }}}} of the requests in {watched.namespace} failed in {burn.long}:"
            f" {burn.spent} of the error budget of 30 days"
        ),
        gates=False,
        labels={"window": burn.long},
    )
