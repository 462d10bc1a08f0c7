"""The migration Job, its plan and its record."""
