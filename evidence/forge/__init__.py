"""The forge: check runs, reviews and approvals of a commit."""
