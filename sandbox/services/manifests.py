"""All objects of the backing services."""

from __future__ import annotations

from sandbox.services import log_store, postgresql, prometheus, rabbitmq, redis
from sandbox.services.credentials import Credentials
from sandbox.services.model import Document, ServiceImages, Storage
from sandbox.services.namespace import account, namespace


def environment(name: str, images: ServiceImages, storage: Storage, credentials: Credentials) -> list[Document]:
    """Return the objects of one environment's namespace, in the order in which they are applied."""
    return [
        *postgresql.volumes(name, storage),
        namespace(name),
        *postgresql.claims(name, storage),
        account(name),
        *credentials.objects(name),
        *rabbitmq.objects(name, images),
        *postgresql.objects(name, images, storage),
        *redis.objects(name, images),
    ]


def monitoring(images: ServiceImages, log_store_image: str | None = None, *, scraped: bool = True) -> list[Document]:
    """Return the objects of the monitoring namespace, which every environment shares.

    The log store is there by its image, Prometheus where `scraped` says that it has something to scrape.
    """
    logs = [] if log_store_image is None else log_store.objects(log_store_image)
    return [namespace(prometheus.NAMESPACE), *(prometheus.objects(images) if scraped else []), *logs]
