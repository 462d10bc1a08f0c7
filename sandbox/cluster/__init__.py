"""A Kubernetes cluster of one node, made of plain processes on this machine."""
