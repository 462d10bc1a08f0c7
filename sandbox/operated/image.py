"""The one image of the operator, the Prometheus and the Alertmanager that it operates, and the receiver of alerts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.images.catalogue import SERVICES
from sandbox.images.recipe import NOBODY_ID, Recipe

NAME = "monitoring"
PROGRAMS = Path("/opt/monitoring")
OPERATOR, RELOADER, PROMETHEUS = "prometheus-operator", "prometheus-config-reloader", "prometheus"
TOOLS = (OPERATOR, RELOADER, PROMETHEUS)
# Debian's, which the archive of the backing services has in it, as it has Python.
ALERTMANAGER = "/usr/bin/prometheus-alertmanager"


def program(tool: str) -> str:
    """Return where a tool lies in the image."""
    return str(PROGRAMS / tool)


def monitoring(built: Mapping[str, Path]) -> Recipe:
    """Return the image with the tools that were `built`, by their names; it runs as any user."""
    return Recipe(
        archive=SERVICES,
        own_name=NAME,
        programs={program(tool): built[tool] for tool in TOOLS},
        lines=("ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8", f"USER {NOBODY_ID}:{NOBODY_ID}", "WORKDIR /tmp"),
    )
