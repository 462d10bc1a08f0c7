"""Draws the dashboard of a stack from live data, without Grafana: `python -m commands.dashboard_preview`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from checks.prometheus import Prometheus
from checks.reader import Unreachable
from monitoring.picture import picture
from monitoring.subject import Watched
from settings import Settings, SettingsError, read_stack

FILE = "dashboard.svg"
TIMEOUT_SECONDS = 10.0
SECONDS_PER_MINUTE = 60


def main(
    arguments: Sequence[str] | None = None,
    *,
    client: Callable[[], httpx.Client] = httpx.Client,
    now: Callable[[], float] = time.time,
) -> int:
    """Write the picture; a person's mistake gives what is wrong and status 1, never a traceback."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = read_stack(parsed.stack)
        text = _draw(settings, _address(parsed.prometheus, settings), parsed.minutes, client, now())
        Path(parsed.output).write_text(text, encoding="utf-8")
    except (SettingsError, Unreachable, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"the dashboard of {parsed.stack}, the last {parsed.minutes} min of it, is in {parsed.output}")
    return 0


def _draw(settings: Settings, address: str, minutes: int, client: Callable[[], httpx.Client], end: float) -> str:
    watched = Watched.of(settings, settings.monitoring)
    with client() as http, Prometheus(address, http, TIMEOUT_SECONDS) as prometheus:
        return picture(prometheus, watched, start=end - minutes * SECONDS_PER_MINUTE, end=end)


def _address(wanted: str, settings: Settings) -> str:
    if wanted:
        return wanted
    if settings.prometheus is None:
        raise SettingsError(
            f"stack {settings.environment} does not say where its Prometheus is: set prometheus.url, or pass"
            " --prometheus=<address>"
        )
    return str(settings.prometheus.url)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m commands.dashboard_preview", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--prometheus", default="", metavar="ADDRESS", help="in place of the stack's prometheus.url")
    parser.add_argument("--minutes", type=int, default=60, choices=range(1, 1441), metavar="1..1440")
    parser.add_argument("--output", default=FILE, metavar="FILE", help=f"an SVG picture; by default {FILE}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
