"""A one-machine world to try releases in: toolchain, cluster, registry, backing services, sample application."""
