"""Events of a preview in the shapes that the engine documents (sdk/go/common/apitype/events.go), and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.preview.events import UNKNOWN

Json = dict[str, Any]
CHECKLIST = "release-manager:release:Checklist"
GATE = "release-manager:release:Gate"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def urn(kind: str, name: str, stack: str = "prod") -> str:
    return f"urn:pulumi:{stack}::release-manager::release-manager:release:Rollout${kind}::{name}"


def state(kind: str, name: str, inputs: Json | None = None, outputs: Json | None = None, **more: Any) -> Json:
    empty = {"id": "", "parent": "", "provider": ""}
    return {"type": kind, "urn": urn(kind, name), "inputs": inputs or {}, "outputs": outputs or {}, **empty, **more}


def step(op: str, kind: str, name: str, *, old: Json | None = None, new: Json | None = None, **more: Any) -> Json:
    """Return the metadata of a step; `old` and `new` are the inputs before and after."""
    custom: Json = {"custom": True} if not kind.startswith("release-manager:") else {}
    return {
        "op": op,
        "urn": urn(kind, name),
        "type": kind,
        "old": None if old is None else state(kind, name, old, **custom),
        "new": None if new is None else state(kind, name, new, **custom),
        "detailedDiff": None,
        "provider": "",
        **more,
    }


def begins(*arguments: Any, **more: Any) -> Json:
    return {"resourcePreEvent": {"metadata": step(*arguments, **more), "planning": True}}


def ends(*arguments: Any, **more: Any) -> Json:
    return {"resOutputsEvent": {"metadata": step(*arguments, **more), "planning": True}}


def says(message: str, *, severity: str = "info", of: str = "", **more: Any) -> Json:
    return {"diagnosticEvent": {"message": message, "color": "never", "severity": severity, "urn": of, **more}}


def violates(policy: str, message: str, *, of: str, level: str = "mandatory") -> Json:
    pack = {"policyPackName": "release-manager", "policyPackVersion": "", "policyPackVersionTag": "", "color": "never"}
    facts = {"policyName": policy, "message": message, "resourceUrn": of, "enforcementLevel": level}
    return {"policyEvent": {**pack, **facts}}


def policies(passed: list[str], failed: list[str] | None = None, *, of: str = "urn:x") -> Json:
    pack = {"policyPackName": "release-manager", "policyPackVersion": "", "policyPackVersionTag": ""}
    return {"policyAnalyzeSummaryEvent": {"resourceUrn": of, **pack, "passed": passed, "failed": failed or []}}


def summary(result: str = "succeeded") -> Json:
    counts = {"maybeCorrupt": False, "durationSeconds": 3, "resourceChanges": {"same": 3}, "PolicyPacks": {}}
    return {"summaryEvent": {**counts, "isPreview": True, "result": result}}


def versions(before: str, after: str = UNKNOWN) -> Json:
    kind = "pulumi:pulumi:Stack"
    stack = {"op": "same", "urn": f"urn:pulumi:prod::release-manager::{kind}::release-manager-prod", "type": kind}
    old, new = (state(kind, "release-manager-prod", outputs={"version": each}) for each in (before, after))
    return {"resOutputsEvent": {"metadata": {**stack, "old": old, "new": new, "detailedDiff": None, "provider": ""}}}


def pods(replicas: int, *, cpu: str = "50m", memory: str = "128Mi", surge: int = 1, **environment: str) -> Json:
    """Return the inputs of a Deployment."""
    container = {
        "name": "api",
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}}
    return {"spec": {"replicas": replicas, "strategy": rolling, "template": {"spec": {"containers": [container]}}}}


def item(number: int, state_: str = "proven", **more: Any) -> Json:
    texts = {"source": "git", "value": "main has it", "link": "", "closes": "git push", "until": ""}
    return {"number": number, "title": f"item {number}", "required": True, "state": state_, **texts, **more}


def checklist(*items: Json) -> Json:
    return begins("create", CHECKLIST, "checklist", new={"items": {f"{each['number']:02}-x": each for each in items}})


def step_line(percent: int, canary_pods: int, seconds: int) -> Json:
    text = (
        f"step {percent} %: {canary_pods} canary pods beside 9 stable ones; goes on once 380 requests without a fault"
    )
    line = f"{text} rule out 1 % of errors; at 42 requests a second now about {seconds} s"
    return says(f"{line}<{{%reset%}}>\n", of=urn(GATE, f"rollout-step-{percent}"))


def write(file: Path, *events: Json | str) -> Path:
    lines = [
        each if isinstance(each, str) else json.dumps({"sequence": number, "timestamp": 1763870000, **each})
        for number, each in enumerate(events)
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
