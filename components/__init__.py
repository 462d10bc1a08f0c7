"""What a release consists of, as Pulumi components. They declare; what acts on the cluster is in `cluster`."""
