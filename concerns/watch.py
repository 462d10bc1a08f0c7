"""What is watched for the hour after a production deployment, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import AnyHttpUrl, Field

from concerns.address import PlainAddress
from concerns.analysis import Percent, PrometheusSettings
from concerns.concern import ADDRESS, Concern
from concerns.quantity import QUANTITY
from concerns.wrong import Wrong, contradiction

# By tag or by digest: a tag is looked up in the registry, so that pods always name a digest.
IMAGE = (
    r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|@sha256:[0-9a-f]{64})$"
)


class LogWatchSettings(Concern):
    """How the logs are watched, where the stack has a log store."""

    every_seconds: float = Field(default=60, ge=5, le=600, description="From one look at the logs to the next.")
    new_errors: Literal["tell", "rollback"] = Field(
        default="tell", description="What follows a pattern at level ERROR that was not logged in the hour before."
    )
    new_error_lines: int = Field(
        default=10, ge=1, description="With new_errors 'rollback': so many lines of one new pattern take it back."
    )


class WatchJobSettings(Concern):
    """The Job that goes on watching after the update has returned. Addresses are those that its pod reaches."""

    image: str = Field(pattern=IMAGE, description="Image of watch/Dockerfile, by tag or by digest.")
    health_url: AnyHttpUrl | None = Field(default=None, description="Without it health.url.")
    connect_to: str = Field(
        default="", pattern=ADDRESS, description="Address, without a port, at which its pod asks /health."
    )
    prometheus_url: PlainAddress | None = Field(default=None, description="Without it prometheus.url.")
    log_store_url: PlainAddress | None = Field(default=None, description="Without it log_store.url.")
    cpu_request: str = Field(default="20m", pattern=QUANTITY, description="Of its pod.")
    memory_request: str = Field(default="96Mi", pattern=QUANTITY, description="Of its pod.")
    memory_limit: str = Field(default="256Mi", pattern=QUANTITY, description="Of its pod.")


class WatchSettings(Concern):
    """How a release is watched once it is verified. What is certainly bad takes it back, as a failed gate does.

    Its limits are those of `analysis` and `monitoring`, its log store is `log_store`.
    """

    mode: Literal["inline", "job", "off"] = Field(
        default="off", description="inline: the update goes on watching. job: a Job does, after it has returned."
    )
    minutes: float = Field(default=60, ge=1, le=1440, description="How long, from the verification on.")
    look_seconds: float = Field(default=5, ge=0.5, le=60, description="From one look at the pods to the next.")
    sustained_seconds: int = Field(
        default=60, ge=5, le=1800, description="A limit that is exceeded for less takes nothing back."
    )
    blind_minutes: float = Field(
        default=5, ge=0.1, le=60, description="People are told of what was not seen for so long."
    )
    rate_minutes: int = Field(default=2, ge=1, le=60, description="Prometheus is asked for so many last minutes.")
    false_alarm_percent: Percent = Field(
        default=1, description="Chance that a good release is taken back for its errors in the whole of the watch."
    )
    logs: LogWatchSettings = LogWatchSettings()
    job: WatchJobSettings | None = None


def watch_contradictions(watch: WatchSettings, prometheus: PrometheusSettings | None) -> Iterator[Wrong]:
    """Return what is wrong between the settings of the watch and others."""
    if watch.mode == "off":
        return
    if prometheus is None:
        yield contradiction("prometheus", None, f"watch.mode is '{watch.mode}': it asks for the cache and the queries")
    if watch.mode == "job" and watch.job is None:
        yield contradiction("watch.job", None, "watch.mode is 'job': name its image")
    if watch.sustained_seconds < watch.look_seconds:
        allowed = f"at least watch.look_seconds ({watch.look_seconds:g}), so that one look never decides"
        yield contradiction("watch.sustained_seconds", watch.sustained_seconds, allowed)
    if 60 * watch.minutes < 2 * (watch.sustained_seconds + 60 * watch.rate_minutes):
        lasts = f"{watch.sustained_seconds + 60 * watch.rate_minutes} s"
        allowed = f"what is bad has to last for {lasts} of it (watch.sustained_seconds, watch.rate_minutes): twice that"
        yield contradiction("watch.minutes", watch.minutes, f"{allowed} or more")
