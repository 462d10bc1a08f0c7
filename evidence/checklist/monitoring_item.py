"""Item 17: Prometheus has loaded every alert that the program declares, as declared, and the dashboard exists.

A release that declares other alerts than the one before, or the first ones, brings them itself: nobody can have loaded
them yet. Then the item is PLANNED, and the gate of its monitoring proves it before the first pod moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from checks.reader import Unreachable
from checks.waiting import Clock
from cluster.api import Cluster
from cluster.errors import ClusterError
from concerns.notify import GrafanaSettings
from evidence.checklist.dashboard import Dashboard, missing_in_config_map, missing_in_grafana
from evidence.checklist.prometheus_rules import DeclaredAlert, LoadedRule, RulesPrometheus
from evidence.checklist.proof import Proof, Prover, State
from evidence.checklist.service import NONSENSE
from notify.channels import Connect

NAMED = 3
SOURCE = "Prometheus' rules and the dashboard"
AskRules = Callable[[], AbstractContextManager[RulesPrometheus]]


@dataclass
class _Found:
    wrong: list[str] = field(default_factory=list)
    to_come: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    closes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class MonitoringItem:
    """Compares what is declared with what is loaded.

    Alerts of another stack may have the same names: for each that is declared one of the loaded ones must be as it is.
    `why_no_dashboard` returns why the dashboard is not there, empty where it is; it is None where nothing says where
    the dashboard is kept. `is_pending` tells whether the release is still to apply what it declares, of which the
    dashboard is part if `own_dashboard` says so.
    """

    alerts: Sequence[DeclaredAlert]
    stack: str
    ask_rules: AskRules | None
    why_no_dashboard: Callable[[], str] | None
    is_pending: Callable[[], bool] = lambda: False
    own_dashboard: bool = True

    def prove(self) -> Proof:
        """Look once. What is known to be wrong counts before what is not known."""
        found = _Found()
        self._rules(found)
        self._dashboard(found)
        self._hold_against_it_what_is_not_pending(found)
        seen, closes = "; ".join(found.seen), "; ".join(found.closes)
        if found.wrong:
            return Proof(State.MISSING, SOURCE, "; ".join([*found.wrong, *found.unknown]), seen=seen, closes=closes)
        if found.unknown:
            return Proof(State.UNKNOWN, SOURCE, "; ".join(found.unknown), seen=seen, closes=closes)
        if found.to_come:
            return Proof(State.PLANNED, SOURCE, f"comes with this release ({'; '.join(found.to_come)})", seen=seen)
        return Proof(State.PROVEN, SOURCE, f"{len(self.alerts)} alerts are loaded as declared; the dashboard exists")

    def _hold_against_it_what_is_not_pending(self, found: _Found) -> None:
        if not found.to_come:
            return
        try:
            pending = self.is_pending()
        except (ClusterError, Unreachable, *NONSENSE) as error:
            found.unknown.append("whether this release brings its monitoring is not known")
            found.seen.append(str(error))
            found.closes.append("see that the cluster answers")
            return
        if not pending:
            found.wrong[:0] = found.to_come
            found.closes.append(f"see that the Prometheus and the Grafana of {self.stack} select what was applied")

    def _rules(self, found: _Found) -> None:
        if not self.alerts:
            found.wrong.append("the program declares no alert")
            found.closes.append(f"declare the alerts of the guide for {self.stack}")
            return
        if self.ask_rules is None:
            found.wrong.append("no Prometheus is named that could have loaded the alerts")
            found.closes.append(f"set prometheus.url in Pulumi.{self.stack}.yaml")
            return
        try:
            with self.ask_rules() as prometheus:
                loaded = prometheus.alerting_rules()
        except Unreachable as error:
            found.unknown.append("which rules are loaded is not known")
            found.seen.append(str(error))
            found.closes.append("see that Prometheus answers")
            return
        self._compare(loaded, found)

    def _compare(self, loaded: Sequence[LoadedRule], found: _Found) -> None:
        absent, other, broken, fresh = list[str](), list[str](), list[str](), list[str]()
        for alert in self.alerts:
            equal = [each for each in loaded if each.is_as(alert)]
            health = {each.health for each in equal}
            if not any(each.name == alert.name for each in loaded):
                absent.append(alert.name)
            elif not equal:
                other.append(alert.name)
            elif "ok" not in health:
                (broken if "err" in health else fresh).append(alert.name)
                found.seen += [f"{alert.name}: {each.error}" for each in equal if each.error][:NAMED]
        for names, what in ((absent, "not loaded"), (other, "loaded otherwise than declared")):
            if names:
                found.to_come.append(f"{what}: {_named(names)}")
        if broken:
            found.wrong.append(f"loaded, and cannot be evaluated: {_named(broken)}")
            found.closes.append("mend the expressions that Prometheus names")
        if fresh:
            found.unknown.append(f"not evaluated yet: {_named(fresh)}")
            found.closes.append("run the same command again in a minute")

    def _dashboard(self, found: _Found) -> None:
        if self.why_no_dashboard is None:
            found.wrong.append("nothing says where the dashboard is kept")
            found.closes.append(f"set monitoring.format or monitoring.dashboard.kept in Pulumi.{self.stack}.yaml")
            return
        try:
            why = self.why_no_dashboard()
        except (ClusterError, Unreachable, *NONSENSE) as error:
            found.unknown.append("whether the dashboard exists is not known")
            found.seen.append(str(error))
            found.closes.append("see that whoever keeps the dashboard answers (monitoring.dashboard)")
            return
        if why and self.own_dashboard:
            found.to_come.append(why)
        elif why:
            found.wrong.append(why)
            found.closes.append("let the dashboard be applied, or name the right one in monitoring.dashboard.kept")


def monitoring_prover(
    alerts: Sequence[DeclaredAlert],
    dashboard: Dashboard | None,
    grafana: GrafanaSettings | None,
    *,
    stack: str,
    cluster_in: Callable[[str], Cluster],
    ask_rules: AskRules | None,
    connect: Connect,
    clock: Clock,
    is_pending: Callable[[], bool] = lambda: False,
) -> Prover:
    """Return what proves that a release is watched: `alerts` are loaded, and the dashboard exists.

    The dashboard is looked for in its ConfigMap where it has one, else in `grafana`. `ask_rules` is None where the
    stack names no Prometheus. `is_pending` tells whether the release is still to apply what it declares.
    """
    why: Callable[[], str] | None = None
    if dashboard is not None and dashboard.config_map:
        why = lambda: missing_in_config_map(dashboard, cluster_in)  # noqa: E731
    elif dashboard is not None and grafana is not None:
        why = lambda: missing_in_grafana(dashboard, grafana, connect, clock)  # noqa: E731
    own = dashboard is not None and dashboard.own
    return MonitoringItem(alerts, stack, ask_rules, why, is_pending, own).prove


def _named(all_names: Sequence[str]) -> str:
    names = sorted(set(all_names))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
