"""When an object is ready: one small file per kind, each a pure question to a snapshot of the cluster."""
