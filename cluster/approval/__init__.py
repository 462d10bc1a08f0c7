"""What was approved, and by whom."""
