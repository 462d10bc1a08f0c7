"""Declares how requests reach the pods of the stack whose settings `settings.json` holds, and nothing else."""

from pathlib import Path

from cluster.service_port import ServicePort
from cluster.standing import Standing
from components.target import target
from components.traffic import traffic
from settings import Settings

settings = Settings.model_validate_json(Path("settings.json").read_text())
traffic("rollout", settings, ServicePort(), target(settings.cluster, Standing()))
