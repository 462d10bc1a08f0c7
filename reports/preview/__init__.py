"""What a preview would change, for people who review it: from the engine's events to the text of a comment."""
