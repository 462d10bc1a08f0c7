"""What the delivery writes where the code is kept: one comment on a change, one issue on drift."""
