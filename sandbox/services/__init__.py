"""The backing services of an environment, as Kubernetes objects."""
