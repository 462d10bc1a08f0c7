"""Redis: the application's cache. Its contents end with the pod."""

from __future__ import annotations

from sandbox.services.model import USER_ID, Document, ServiceImages
from sandbox.services.pods import SCRATCH, SECRET_DIRECTORY, container, empty, pod, secret_files, service, stateful_set

NAME = "redis"
PORT = 6379
OPTIONS = (
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxmemory",
    "64mb",
    "--maxmemory-policy",
    "allkeys-lru",
    "--dir",
    SCRATCH,
)
COMMAND = ("redis-server", f"{SECRET_DIRECTORY}/redis.conf", *OPTIONS)


def objects(namespace: str, images: ServiceImages) -> list[Document]:
    """Return the cache's objects."""
    content = container(
        NAME,
        images.redis,
        command=COMMAND,
        port=PORT,
        mounts={SCRATCH: "scratch", SECRET_DIRECTORY: "configuration"},
        resources=("50m", "16Mi", "128Mi"),
    )
    volumes = [empty("scratch"), secret_files("configuration", "redis.conf")]
    template = pod(NAME, content, user=USER_ID, volumes=volumes, configuration=" ".join(COMMAND))
    return [service(NAME, namespace, PORT), stateful_set(NAME, namespace, template)]
