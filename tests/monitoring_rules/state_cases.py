"""The states that nobody should have to discover: pods, data, dependencies, releases, Jobs, backups."""

from __future__ import annotations

from tests.monitoring.watched import DEPLOYMENT
from tests.monitoring_rules.case import RELEASE, VERSION, Case, Fires, Series, kube, series
from tests.monitoring_rules.limit_cases import OF, answered, connections, lookups, memory, queries_slow, requests_slow

HEALTH = "ReleaseManagerHealth"
NO_DATA = "ReleaseManagerNoData"
NOT_ANSWERING = "ReleaseManagerPodsNotAnswering"
NOT_READY = "ReleaseManagerPodsNotReady"
HELD = "ReleaseManagerReleaseHeld"
MIGRATION = "ReleaseManagerMigrationFailed"
WATCH = "ReleaseManagerWatchFailed"
UNKNOWN = "ReleaseManagerBackupUnknown"
WATCHDOG = "ReleaseManagerWatchdog"
STARTED = series("process_start_time_seconds", "100x30")
EVERYTHING: tuple[Series, ...] = (
    *answered(0), *requests_slow(0), *queries_slow(0), *connections(1), *memory(1), *lookups(9, 1), STARTED
)  # fmt: skip
METRICS = tuple(dict.fromkeys(name.partition("{")[0] for name, _ in EVERYTHING))


def pods(answering: int, silent: int = 0, *, track: str = "stable", version: str = VERSION) -> list[Series]:
    """Return the pods of a version, of which so many answer Prometheus."""
    return [
        series("up", f"{1 if number < answering else 0}x40", pod=f"{version}-{number}", track=track, version=version)
        for number in range(answering + silent)
    ]


def missing(metric: str) -> Case:
    found = [each for each in EVERYTHING if not each[0].startswith(f"{metric}{{")]
    labels = {"app": "release-manager", "track": "stable", "missing": metric}
    summary = f"Prometheus has no {metric} of stable in staging: its alerts are blind"
    return Case(f"nobody gives {metric}", NO_DATA, found, "20m", [Fires(labels, summary)])


def failing(what: str, metric: str, per_minute: float, **labels: str) -> Case:
    found = [series(metric, f"0+{per_minute:g}x30", **labels)]
    enough = per_minute * 5 >= 5
    summary = f"{what} fails {OF}: {per_minute * 5:g} times in five minutes"
    name = f"{what} fails {per_minute:g} times a minute"
    return Case(name, HEALTH, found, "20m", [Fires({**RELEASE, "dependency": what}, summary)] if enough else [])


def replicas(wanted: int, ready: int, deployment: str = DEPLOYMENT) -> list[Series]:
    return [
        kube("kube_deployment_spec_replicas", f"{wanted}x30", deployment=deployment),
        kube("kube_deployment_status_replicas_ready", f"{ready}x30", deployment=deployment),
    ]


def job(name: str, failed: int) -> list[Series]:
    return [kube("kube_job_status_failed", f"{failed}x30", job_name=name, reason="BackoffLimitExceeded")]


def too_few(answering: int, *severities: str) -> list[Fires]:
    summary = f"{answering} pods in staging answer Prometheus, and 9 should"
    return [Fires({"severity": each}, summary) for each in severities]


TWO_VERSIONS = (
    "two versions have stood beside each other in staging for longer than a release may take: it is held, or its run"
    " was killed"
)
CASES = (
    failing("cache", "release_manager_dependency_failures_total", 2, dependency="cache"),
    failing("message_queue", "release_manager_dependency_failures_total", 2, dependency="message_queue"),
    failing("database", "release_manager_errors_total", 2, type="database"),
    failing("cache", "release_manager_dependency_failures_total", 0.8, dependency="cache"),
    Case("errors of the application are no dependency's", HEALTH, answered(60), "20m"),
    *(missing(metric) for metric in METRICS),
    Case("every metric is there", NO_DATA, EVERYTHING, "20m"),
    Case("eight of nine pods", NOT_ANSWERING, pods(8, 1), "20m", too_few(8, "warning")),
    Case("four of nine pods", NOT_ANSWERING, pods(4, 5), "20m", too_few(4, "critical", "warning")),
    Case("no pod at all", NOT_ANSWERING, [], "20m", too_few(0, "critical", "warning")),
    Case("all pods", NOT_ANSWERING, pods(9), "20m"),
    Case(
        "a canary stands in for no pod of stable",
        NOT_ANSWERING,
        [*pods(8, 1), *pods(1, track="canary", version="new")],
        "20m",
        too_few(8, "warning"),
    ),
    Case(
        "stable is not whole",
        NOT_READY,
        replicas(9, 8),
        "20m",
        [Fires({"deployment": DEPLOYMENT, "track": "stable"}, f"1 pods of {DEPLOYMENT} in staging are not ready")],
    ),
    Case(
        "the canary is not whole",
        NOT_READY,
        replicas(1, 0, f"{DEPLOYMENT}-canary"),
        "20m",
        [
            Fires(
                {"deployment": f"{DEPLOYMENT}-canary", "track": "canary"},
                f"1 pods of {DEPLOYMENT}-canary in staging are not ready",
            )
        ],
    ),
    Case("all are ready", NOT_READY, [*replicas(9, 9), *replicas(0, 0, f"{DEPLOYMENT}-canary")], "20m"),
    Case("another application's pods", NOT_READY, replicas(9, 8, "other"), "20m"),
    Case(
        "a canary that stands too long",
        HELD,
        pods(1, track="canary"),
        "20m",
        [Fires({"track": "canary"}, TWO_VERSIONS)],
    ),
    Case("a canary within its time", HELD, pods(1, track="canary"), "9m"),
    Case(
        "two versions of stable for too long",
        HELD,
        [*pods(4), *pods(5, version="new")],
        "20m",
        [Fires({}, TWO_VERSIONS)],
    ),
    Case("one version", HELD, pods(9), "20m"),
    Case(
        "a failed migration",
        MIGRATION,
        job(f"{DEPLOYMENT}-migration-0a1b2c3d", 1),
        "20m",
        [
            Fires(
                {"job_name": f"{DEPLOYMENT}-migration-0a1b2c3d"},
                f"the migration {DEPLOYMENT}-migration-0a1b2c3d in staging failed",
            )
        ],
    ),
    Case("a migration that went well", MIGRATION, job(f"{DEPLOYMENT}-migration-0a1b2c3d", 0), "20m"),
    Case("another failed Job", MIGRATION, job("report-1", 1), "20m"),
    Case(
        "a failed watch",
        WATCH,
        job(f"{DEPLOYMENT}-watch-7", 1),
        "20m",
        [
            Fires(
                {"job_name": f"{DEPLOYMENT}-watch-7"},
                f"the watch {DEPLOYMENT}-watch-7 in staging failed, so nobody watches the release",
            )
        ],
    ),
    Case("a watch that goes on", WATCH, job(f"{DEPLOYMENT}-watch-7", 0), "20m"),
    Case(
        "nobody knows of a backup",
        UNKNOWN,
        [],
        "20m",
        [Fires({"cronjob": "database-backup"}, "nobody says when staging was backed up last")],
    ),
    Case(
        "a backup is known",
        UNKNOWN,
        [kube("kube_cronjob_status_last_successful_time", "1000x30", cronjob="database-backup")],
        "20m",
    ),
    Case(
        "the dead man's switch, with everything in order",
        WATCHDOG,
        EVERYTHING,
        "0m",
        [Fires({}, "always fires: while it arrives, alerts of staging travel the whole way")],
    ),
)
