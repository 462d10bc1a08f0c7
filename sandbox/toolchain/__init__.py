"""Programs that no Debian package has: built from pinned Go modules, once, into the user's cache."""
