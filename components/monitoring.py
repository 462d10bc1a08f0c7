"""What watches the release: rules, scraping, routes of alerts, and the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import pod
from components.gate import Check, Gate, GateArgs
from concerns.monitoring import MonitoringSettings
from monitoring import alertmanager_config, dashboard, pod_monitor, prometheus_rule
from monitoring.alertmanager_file import alertmanager_file
from monitoring.fingerprint import DECLARED, RECORD, fingerprint
from monitoring.rule import Document
from monitoring.subject import Watched
from settings import Settings

FOLDER = "grafana_folder"
RULES_FILE, SCRAPE_FILE, ALERTMANAGER_FILE = "release-manager.rules.yml", "scrape.yml", "alertmanager.yml"
DASHBOARD_FILE = "release-manager.json"
ITEM = "monitoring"


@dataclass(frozen=True)
class MonitoringArgs:
    """`monitoring` says in which form, if at all; everything else comes from the settings of the stack.

    `check` waits until all of it is loaded.
    """

    settings: Settings
    monitoring: MonitoringSettings
    check: Check


class Monitoring(pulumi.ComponentResource):
    """The rules, the scraping, the routes and the dashboard of a stack, for whoever watches before the first pod moves.

    Where the checklist requires that a release is watched, a gate holds it up until it is: with the first rules and
    with changed ones nobody can have loaded them before. Nothing in it names a version, so that a rollback has nothing
    to take back. Deliberately makes neither Prometheus
    nor Alertmanager nor Grafana, nor the Secret whose keys the routes name: they serve others too.
    """

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Monitoring", name, {}, opts)
        self._applied: list[pulumi.Resource] = []
        if args.monitoring.format != "off":
            watched = Watched.of(args.settings, args.monitoring)
            if args.monitoring.format == "operator":
                self._for_operator(name, watched)
            else:
                self._config_map(f"{name}-files", watched, "monitoring", _files(watched))
            self._dashboard(f"{name}-dashboard", watched)
            if ITEM in args.settings.checklist.required:
                self._gate(f"{name}-loaded", watched, args.check)
        self.register_outputs({})

    def _gate(self, name: str, watched: Watched, check: Check) -> None:
        args = GateArgs(watched.names.record(RECORD), watched.namespace, {DECLARED: fingerprint(watched)}, check)
        Gate(name, args, pulumi.ResourceOptions(parent=self, depends_on=list(self._applied)))

    def _for_operator(self, name: str, watched: Watched) -> None:
        receivers = watched.settings.receivers
        rules, scraping, routes = prometheus_rule, pod_monitor, alertmanager_config
        self._custom(f"{name}-rules", watched, rules.API_VERSION, rules.KIND, rules.spec(watched))
        self._custom(f"{name}-pods", watched, scraping.API_VERSION, scraping.KIND, scraping.pod_monitor(watched))
        if receivers is not None:
            spec = routes.alertmanager_config(watched, receivers)
            self._custom(f"{name}-routes", watched, routes.API_VERSION, routes.KIND, spec)

    def _custom(self, name: str, watched: Watched, api_version: str, kind: str, spec: Document) -> None:
        made = k8s.apiextensions.CustomResource(
            name,
            api_version=api_version,
            kind=kind,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=watched.names.deployment,
                namespace=watched.namespace,
                labels={"app": watched.app, **watched.settings.labels},
                annotations=pod.ANNOTATIONS,
            ),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._applied.append(made)

    def _dashboard(self, name: str, watched: Watched) -> None:
        wanted = watched.settings.dashboard
        self._config_map(
            name,
            watched,
            dashboard.KIND,
            {DASHBOARD_FILE: dashboard.dashboard_json(watched)},
            labels={wanted.label: "1"},
            annotations={FOLDER: wanted.folder or watched.stack},
        )

    def _config_map(
        self,
        name: str,
        watched: Watched,
        kind: str,
        data: Mapping[str, str],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        made = k8s.core.v1.ConfigMap(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=watched.names.record(kind),
                namespace=watched.namespace,
                labels={"app": watched.app, **watched.settings.labels, **(labels or {})},
                annotations={**pod.ANNOTATIONS, **(annotations or {})},
            ),
            data=dict(data),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._applied.append(made)


def _files(watched: Watched) -> dict[str, str]:
    receivers = watched.settings.receivers
    routes = {} if receivers is None else {ALERTMANAGER_FILE: alertmanager_file(watched, receivers)}
    rules = {RULES_FILE: prometheus_rule.rule_file(watched)}
    return {**rules, SCRAPE_FILE: pod_monitor.scrape_file(watched), **routes}
