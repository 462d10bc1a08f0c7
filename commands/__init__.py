"""What a person runs beside `pulumi`: approvals, and a look at the pending migrations."""
