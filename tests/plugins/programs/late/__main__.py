"""A value that only the finished object has goes into another object."""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes

wanted = json.loads(Path("objects.json").read_text())
provider = pulumi_kubernetes.Provider("cluster", **wanted["provider"])
options = pulumi.ResourceOptions(provider=provider)
first = pulumi_kubernetes.core.v1.Namespace("first", metadata={"name": wanted["name"]}, opts=options)
second = pulumi_kubernetes.core.v1.ConfigMap(
    "second",
    metadata={"name": "second", "namespace": first.metadata.name},
    data={"phase": first.status.phase},
    opts=options,
)
pulumi.export("phase", second.data["phase"])
