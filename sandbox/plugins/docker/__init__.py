"""Stand-in for the resource provider `docker` 5.2: `docker:index/image:Image` built and pushed by a Docker engine."""
