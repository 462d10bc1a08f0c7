"""The checklist: its nineteen items, and the proof of each."""
