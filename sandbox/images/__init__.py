"""The sandbox's own images, made from Debian packages: a base for applications, and the backing services."""
