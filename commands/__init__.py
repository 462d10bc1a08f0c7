"""What a person runs beside `pulumi`: approvals, a look at the pending migrations, going back, and the record."""
