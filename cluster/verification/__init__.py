"""The last gate, and what it lists."""
