"""The dashboard as Grafana reads it, built with the Grafana Foundation SDK."""

from __future__ import annotations

import json
from itertools import count
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common as shown
from grafana_foundation_sdk.builders import dashboard, elasticsearch, heatmap, logs, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as styles
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from cluster.names import CANARY, STABLE
from monitoring.panels import LogPanel, Panel, rows
from monitoring.rule import Document
from monitoring.subject import Watched

METRICS = model.DataSourceRef(type_val="prometheus", uid="${metrics}")
LOGS = model.DataSourceRef(type_val="elasticsearch", uid="${logs}")
ANNOTATIONS = model.DataSourceRef(type_val="grafana", uid="-- Grafana --")
WIDTH, HEIGHT = 8, 8
LOG_WIDTH = 12
MOST_ANNOTATIONS = 100
GOOD, BAD = "green", "red"
# The same version has the same colour in every panel.
TRACK_COLORS = {STABLE: "blue", CANARY: "orange"}
# The SDK names its switches by their methods alone.
YES, NO = True, False
# Grafana takes no longer one.
LONGEST_UID = 40
# Of the ConfigMap that it is kept in, as Names.record takes it.
KIND = "dashboard"


def uid(watched: Watched) -> str:
    """Return the UID of the dashboard of a stack, which `notify.grafana.dashboard` names for its annotations."""
    return f"{watched.app}-{watched.stack}"[:LONGEST_UID]


def dashboard_document(watched: Watched) -> Document:
    """Return the dashboard as JSON data. Nothing in it changes from one release to the next."""
    settings = watched.settings.dashboard
    built = (
        dashboard.Dashboard(settings.title)
        .uid(uid(watched))
        .description(f"The release of stack {watched.stack}, in namespace {watched.namespace}.")
        .tags(["release-manager", watched.stack])
        .readonly()
        .timezone("utc")
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("metrics").label("Prometheus").type("prometheus"))
        .with_variable(dashboard.DatasourceVariable("logs").label("Elasticsearch").type("elasticsearch"))
        .annotation(_releases(watched))
    )
    # In the order of the definition, so that a link to a panel stays right.
    numbers = count(1)
    for row in rows(watched):
        built.with_row(dashboard.Row(row.title).id(next(numbers)))
        for panel in row.panels:
            made = _logs(panel) if isinstance(panel, LogPanel) else _metrics(panel)
            built.with_panel(made.id(next(numbers)))
    document: Document = json.loads(json.dumps(built.build(), cls=JSONEncoder, sort_keys=True))
    return document


def dashboard_json(watched: Watched) -> str:
    """Return the dashboard as the text of its file: the same text for the same settings."""
    return json.dumps(dashboard_document(watched), sort_keys=True, ensure_ascii=False) + "\n"


def _releases(watched: Watched) -> dashboard.AnnotationQuery:
    target = (
        dashboard.AnnotationTarget()
        .type("tags")
        .limit(MOST_ANNOTATIONS)
        .match_any(NO)
        .tags(["release-manager", watched.stack])
    )
    return (
        dashboard.AnnotationQuery()
        .name("Releases")
        .datasource(ANNOTATIONS)
        .enable(YES)
        .icon_color("blue")
        .target(target)
    )


def _metrics(panel: Panel) -> timeseries.Panel | heatmap.Panel:
    return _heatmap(panel) if panel.kind == "heatmap" else _lines(panel)


def _lines(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.meaning)
        .datasource(METRICS)
        .span(WIDTH)
        .height(HEIGHT)
        .unit(panel.unit)
        .min(0)
        .line_width(2)
        .show_points(styles.VisibilityMode.NEVER)
        .legend(
            shown.VizLegendOptions()
            .display_mode(styles.LegendDisplayMode.LIST)
            .placement(styles.LegendPlacement.BOTTOM)
            .show_legend(YES)
        )
    )
    if panel.limit is not None:
        under, over = (BAD, GOOD) if panel.above else (GOOD, BAD)
        steps = [model.Threshold(value=None, color=under), model.Threshold(value=panel.limit, color=over)]
        built.thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
        built.thresholds_style(shown.GraphThresholdsStyleConfig().mode(styles.GraphTresholdsStyleMode.DASHED))
    for track, color in TRACK_COLORS.items():
        fixed = model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})
        built.override_by_regexp(f"/^{track}( |$)/", [fixed])
    for target in _targets(panel):
        built.with_target(target)
    return built


def _heatmap(panel: Panel) -> heatmap.Panel:
    built = (
        heatmap.Panel()
        .title(panel.title)
        .description(panel.meaning)
        .datasource(METRICS)
        .span(WIDTH)
        .height(HEIGHT)
        .calculate(NO)
        .color(heatmap.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(panel.unit))
    )
    for target in _targets(panel):
        built.with_target(target.format(PromQueryFormat.HEATMAP))
    return built


def _targets(panel: Panel) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend).range()
        for letter, query in zip(ascii_uppercase, panel.queries, strict=False)
    ]


def _logs(panel: LogPanel) -> logs.Panel:
    return (
        logs.Panel()
        .title(panel.title)
        .description(panel.meaning)
        .datasource(LOGS)
        .span(LOG_WIDTH)
        .height(HEIGHT)
        .show_time(YES)
        .wrap_log_message(YES)
        .with_target(
            elasticsearch.Dataquery()
            .ref_id("A")
            .query(panel.query)
            .metrics([elasticsearch.Logs().id("1")])
            .time_field("@timestamp")
        )
    )
