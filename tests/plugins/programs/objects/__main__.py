"""Makes the Kubernetes objects that `objects.json` lists, with the provider settings that it names."""

import functools
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes

wanted = json.loads(Path("objects.json").read_text())
provider = pulumi_kubernetes.Provider("cluster", **wanted["provider"])
made: dict[str, Any] = {}
for name, item in wanted["objects"].items():
    options = pulumi.ResourceOptions(
        provider=provider, depends_on=[made[other] for other in item.get("after", [])], **item.get("options", {})
    )
    sdk_class: Any = functools.reduce(getattr, item["class"].split("."), pulumi_kubernetes)
    made[name] = sdk_class(name, opts=options, **item["arguments"])
    pulumi.export(name, made[name].metadata["name"])
