"""The way in from this machine to the cluster's pods: names, TLS and routes."""
