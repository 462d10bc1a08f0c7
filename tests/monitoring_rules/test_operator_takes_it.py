"""What the operator is given fits the definitions of the operator that the sandbox runs, down to the last field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from monitoring.alertmanager_config import alertmanager_config
from monitoring.pod_monitor import pod_monitor
from monitoring.prometheus_rule import spec
from sandbox.toolchain.build import MODULES
from sandbox.toolchain.children import follow
from sandbox.toolchain.go import Go
from tests.monitoring.watched import monitoring_of, watched

pytestmark = pytest.mark.e2e
MODULE = "github.com/prometheus-operator/prometheus-operator"
INSIDE = Path("example", "prometheus-operator-crd")
DOWNLOAD_SECONDS = 600.0


class Loader(yaml.SafeLoader):
    """Reads a lone `=`, which is a value of an enumeration there, as the text that it is."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: str(node.value))


@pytest.fixture(scope="module")
def definitions() -> Path:
    go, module = Go.find(follow), MODULES / "operator"
    go.lines(["mod", "download", MODULE], module, seconds=DOWNLOAD_SECONDS)
    return Path(go.lines(["list", "-m", "-f", "{{.Dir}}", MODULE], module)[-1]) / INSIDE


def schema(definitions: Path, plural: str, version: str) -> dict[str, Any]:
    text = (definitions / f"monitoring.coreos.com_{plural}.yaml").read_text(encoding="utf-8")
    versions = yaml.load(text, Loader)["spec"]["versions"]  # noqa: S506 - a safe loader
    [found] = [each for each in versions if each["name"] == version]
    strict = _strict(found["schema"]["openAPIV3Schema"]["properties"]["spec"])
    assert isinstance(strict, dict)
    return strict


def _strict(part: Any) -> Any:
    """Return the schema without unknown fields, which an API server drops, and without patterns of another language."""
    if isinstance(part, list):
        return [_strict(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: _strict(value) for key, value in part.items() if not (key == "pattern" and isinstance(value, str))}
    if found.pop("x-kubernetes-int-or-string", False):
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def test_the_rules_fit(definitions: Path) -> None:
    jsonschema.validate(spec(watched()), schema(definitions, "prometheusrules", "v1"))


def test_the_scraping_fits(definitions: Path) -> None:
    jsonschema.validate(pod_monitor(watched()), schema(definitions, "podmonitors", "v1"))


def test_the_routes_fit(definitions: Path) -> None:
    monitoring = monitoring_of()
    assert monitoring.receivers is not None
    found = alertmanager_config(watched(monitoring), monitoring.receivers)
    jsonschema.validate(found, schema(definitions, "alertmanagerconfigs", "v1alpha1"))


def test_a_misspelt_field_does_not_fit(definitions: Path) -> None:
    wrong = {**pod_monitor(watched()), "podTargetLabel": ["app"]}
    with pytest.raises(jsonschema.ValidationError, match="podTargetLabel"):
        jsonschema.validate(wrong, schema(definitions, "podmonitors", "v1"))
