"""Telling people of a release: plain Python that never decides a release, and never stands in its way."""
