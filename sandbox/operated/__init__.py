"""The Prometheus Operator of the sandbox, and what it operates: for stacks whose monitoring is declared for it."""
