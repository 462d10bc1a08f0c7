"""A Kubernetes resource provider for machines that cannot download the official `pulumi-resource-kubernetes`.

It speaks to a real API server and accepts and returns what the official one (4.34) does. It does not know Helm,
YAML files or Kustomize: those need the official plug-in.
"""

VERSION = "4.34.2"
