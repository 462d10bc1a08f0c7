"""What the gates do to a cluster: read it, go back, keep records. Plain Python that knows no Pulumi."""
