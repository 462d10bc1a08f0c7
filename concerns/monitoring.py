"""What watches the release between updates: rules, scraping, routes of alerts, the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, AnyHttpUrl, Field

from concerns.address import PrivateAddress
from concerns.analysis import AnalysisSettings, Percent
from concerns.concern import DNS_LABEL, Concern
from concerns.wrong import Wrong, contradiction

# A key of a Kubernetes Secret. What is secret itself (an address with a token in it) has a slash and does not fit.
KEY_NAME = r"^[-._a-zA-Z0-9]{1,253}$"


def _for_everybody(value: AnyHttpUrl) -> AnyHttpUrl:
    if value.scheme != "https":
        message = "must begin with https://"
        raise ValueError(message)
    return value


Link = Annotated[AnyHttpUrl, AfterValidator(_for_everybody)]
SecretKey = Annotated[str, Field(pattern=KEY_NAME)]


class SlackReceiver(Concern):
    """A channel of Slack that is told of every alert at once."""

    channel: str = Field(pattern=r"^([CGD][A-Z0-9]{5,}|#[^\s#]{1,80})$", description="ID of the channel, or #name.")
    url_key: SecretKey = Field(
        default="slack-url", description="Holds the incoming webhook, or https://slack.com/api/chat.postMessage."
    )
    token_key: SecretKey | None = Field(default=None, description="Holds the bot token that chat.postMessage asks for.")


class PagerDutyReceiver(Concern):
    """A service of PagerDuty that pages the on-call engineer for what has not ended in time."""

    key: SecretKey = Field(default="pagerduty-routing-key", description="Holds the integration key of Events API v2.")
    url: PrivateAddress = Field(
        default=AnyHttpUrl("https://events.pagerduty.com/v2/enqueue"), description="Where events are sent."
    )


class WebhookReceiver(Concern):
    """An address that gets Alertmanager's JSON, with a bearer token where a key is named."""

    url: PrivateAddress = Field(description="https://, or http:// to a Service of the cluster.")
    token_key: SecretKey | None = Field(default=None, description="Holds the bearer token.")


class HeartbeatReceiver(WebhookReceiver):
    """The other end of the dead man's switch: it has to raise the alarm itself when nothing comes any more."""

    seconds: int = Field(default=60, ge=30, le=3600, description="From one sign of life to the next.")


class ReceiverSettings(Concern):
    """Where alerts go. Secrets are keys of `secret`, which somebody else makes; none stands in a stack file."""

    secret: str = Field(default="release-manager-alerts", pattern=DNS_LABEL, description="An existing Secret.")
    directory: str = Field(
        default="/etc/alertmanager/secrets/release-manager-alerts",
        pattern=r"^/[^\s]*$",
        description="Where Alertmanager has that Secret mounted; only format 'config_map' looks at it.",
    )
    slack: SlackReceiver
    pagerduty: PagerDutyReceiver | None = None
    incident: WebhookReceiver | None = None
    heartbeat: HeartbeatReceiver | None = None
    repeat_minutes: int = Field(default=240, ge=1, le=1440, description="From one message on an alert to the next.")


class KeptDashboardSettings(Concern):
    """A dashboard that somebody else keeps. Without `config_map` Grafana (notify.grafana) is asked for it."""

    uid: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="As it stands in the dashboard's address.")
    config_map: str | None = Field(default=None, pattern=DNS_LABEL, description="ConfigMap that it is kept in.")
    namespace: str | None = Field(default=None, pattern=DNS_LABEL, description="Of it; without it that of the stack.")


class DashboardSettings(Concern):
    """The dashboard that people watch a release on, which Grafana's sidecar finds as a ConfigMap by its label."""

    title: str = Field(default="Release Manager", min_length=1, max_length=100, description="As Grafana lists it.")
    folder: str = Field(default="", max_length=100, description="Grafana's folder; without it the name of the stack.")
    label: str = Field(
        default="grafana_dashboard", pattern=r"^[A-Za-z0-9._/-]+$", description="What the sidecar seeks."
    )
    kept: KeptDashboardSettings | None = Field(
        default=None, description="What people look at instead of the one that the release brings."
    )


class MonitoringSettings(Concern):
    """What watches the release, and the limits of the guide that the canary is not judged by.

    The others are those of `analysis`, and of a stack without it those of the guide; how old a backup may be, that of
    `checklist.backup`.
    """

    format: Literal["operator", "config_map", "off"] = Field(
        default="off",
        description="operator: resources of the Prometheus Operator. config_map: the same as files in a ConfigMap.",
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that the operator's selectors want, such as release: prometheus."
    )
    owner: str = Field(
        default="release manager", min_length=1, description="Who looks after an alert: its label owner."
    )
    runbooks: Link = Field(
        default=AnyHttpUrl("https://runbooks.internal/release-manager"),
        description="Where docs/runbooks/ is published; /<alert>.md is added.",
    )
    scrape_seconds: int = Field(
        default=15, ge=1, le=60, description="From one reading of a pod's /metrics to the next."
    )
    loaded_seconds: int = Field(
        default=180, ge=10, le=1800, description="For Prometheus to load what a release declares, before a pod moves."
    )
    kube_state_metrics: bool = Field(
        default=True, description="false: leaves out the alerts that need it, instead of alerts that never fire."
    )
    cache_hit_percent: Percent = Field(default=85, description="Limit: look-ups that the cache has to answer at least.")
    query_seconds: float = Field(default=0.1, gt=0, le=60, description="Limit; a bucket of the histogram ends there.")
    query_slow_percent: Percent = Field(
        default=1, description="Limit: share of the queries that may take longer; 1 makes it the p99."
    )
    availability_percent: Percent | None = Field(
        default=None, description="Objective over 30 days; without it 100 less analysis.error_percent."
    )
    restarts: int = Field(
        default=2, ge=1, le=100, description="Limit: restarts of one pod within a quarter of an hour."
    )
    receivers: ReceiverSettings | None = None
    dashboard: DashboardSettings = DashboardSettings()


def monitoring_contradictions(
    monitoring: MonitoringSettings, analysis: AnalysisSettings | None = None
) -> Iterator[Wrong]:
    """Return what is wrong between the settings of monitoring, and with those of the analysis."""
    wanted = monitoring.availability_percent
    if wanted is not None and analysis is not None and wanted < 100 - analysis.error_percent:
        yield contradiction(
            "monitoring.availability_percent",
            wanted,
            f"analysis.error_percent {analysis.error_percent:g} asks for {100 - analysis.error_percent:g} at least",
        )
