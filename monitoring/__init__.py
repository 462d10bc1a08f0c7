"""What watches a release: its limits, rules, routes and dashboard as plain data. Plain Python without Pulumi."""
