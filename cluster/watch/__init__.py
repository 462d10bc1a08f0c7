"""The hour after a release: it is watched, and taken back if it turns bad."""
