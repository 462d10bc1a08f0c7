"""The approval of a release: of what it is, by whom it may be, and how it is signed."""
