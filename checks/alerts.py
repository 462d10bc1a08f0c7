"""The alerts that fire for an application while one of its releases is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from checks.prometheus import Alert, Prometheus
from checks.reader import Unreachable
from checks.verdict import Kind, Verdict

# Label by which series and alerts of an application name its version.
VERSION = "version"
_SHOWN = 5
_AlertKey = frozenset[tuple[str, str]]


class AlertWatch:
    """Judges the firing alerts that carry all labels of `target` and whose label severity is one of `severities`.

    An alert without a severity counts as well. `release` holds the labels of which one names the release that is
    judged, such as track=canary and version=.... Where an alert has a version, that alone decides: one that is about
    the canary in another version is left from an attempt before, whose pods are gone, and counts for nothing.

    FAIL: an alert fires that names the release and has come with it. Its condition holds since `began`, when the
    release was begun, or a later moment: one from before is about an attempt before in the same version, for rules look
    back over minutes and may well begin to fire now. Where `began` is None, or an alert does not say since when its
    condition holds, the first look tells what fired before; so look before the release is let in. TOO_FEW: any other
    alert of the target fires, which stands in the way of promotion and yet does not prove the release bad: it may be
    about the version that serves everybody else. So the gate goes on, and promotes only once there is quiet. PASS:
    nothing of that kind fires, which is also the answer of a Prometheus without rules: whether there are any is for
    the checklist to ask.
    """

    def __init__(
        self,
        prometheus: Prometheus,
        *,
        target: Mapping[str, str],
        release: Mapping[str, str],
        severities: Collection[str],
        began: datetime | None = None,
    ) -> None:
        self._prometheus = prometheus
        self._target = dict(target)
        self._release = dict(release)
        self._severities = frozenset(severities)
        self._began = began
        self._before: frozenset[_AlertKey] | None = None
        shown = ", ".join(f'{name}="{value}"' for name, value in sorted(self._target.items()))
        self._query = f"firing alerts with {{{shown}}} of severity {', '.join(sorted(self._severities))} or none"

    def look(self) -> Verdict:
        """Ask once and judge. UNREACHABLE where Prometheus gives no answer."""
        try:
            alerts = [alert for alert in self._prometheus.alerts() if self._counts(alert)]
        except Unreachable as error:
            return Verdict(Kind.UNREACHABLE, str(error), query=self._query)
        now = frozenset(map(_key, alerts))
        # An alert that ends and fires again has begun anew.
        self._before = now if self._before is None else self._before & now
        guilty = [alert for alert in alerts if self._names_release(alert) and not self._is_from_before(alert)]
        if guilty:
            return self._verdict(Kind.FAIL, "names this release and has come with it", guilty)
        if alerts:
            return self._verdict(Kind.TOO_FEW, "fires, and nothing is promoted until it ends", alerts)
        return Verdict(Kind.PASS, "no alert fires", {"firing": 0}, self._query)

    def _counts(self, alert: Alert) -> bool:
        severity = alert.labels.get("severity")
        ours = all(alert.labels.get(name) == value for name, value in self._target.items())
        # One that says of itself that it is none of a gate's, as "release held", would hold every release after it.
        for_gates = alert.labels.get("gate") != "no"
        counts = severity is None or severity in self._severities
        return alert.firing and ours and for_gates and counts and not self._is_left_over(alert)

    def _is_from_before(self, alert: Alert) -> bool:
        since = alert.since
        if self._began is None or since is None:
            return self._before is not None and _key(alert) in self._before
        return since < self._began

    def _names_release(self, alert: Alert) -> bool:
        return self._carries_a_label_of_it(alert) and not self._names_other_version(alert)

    def _is_left_over(self, alert: Alert) -> bool:
        return self._carries_a_label_of_it(alert) and self._names_other_version(alert)

    def _carries_a_label_of_it(self, alert: Alert) -> bool:
        return any(alert.labels.get(name) == value for name, value in self._release.items())

    def _names_other_version(self, alert: Alert) -> bool:
        version = alert.labels.get(VERSION)
        return version is not None and version != self._release.get(VERSION, version)

    def _verdict(self, kind: Kind, what: str, alerts: list[Alert]) -> Verdict:
        first = alerts[0]
        further = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
        summary = first.annotations.get("summary", "").strip()
        reason = f"alert {first.name} {what}{further}" + (f": {summary.splitlines()[0]}" if summary else "")
        details = tuple(_described(alert) for alert in alerts[:_SHOWN])
        return Verdict(kind, reason, {"firing": len(alerts)}, self._query, details)


def _key(alert: Alert) -> _AlertKey:
    return frozenset({*alert.labels.items(), ("", alert.active_at)})


def _described(alert: Alert) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()) if name != "alertname")
    return f"{alert.name} since {alert.active_at or 'an unknown time'}: {labels}"
