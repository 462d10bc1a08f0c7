"""Where proof about a release comes from. Plain Python that knows no Pulumi."""
