"""One run at a time: the Lease that a release holds."""
