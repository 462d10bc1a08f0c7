"""PostgreSQL: the application's database."""

from __future__ import annotations

from sandbox.services.credentials import DATABASE, USER
from sandbox.services.model import USER_ID, Document, ServiceImages, Storage
from sandbox.services.pods import (
    SCRATCH,
    SECRET_DIRECTORY,
    container,
    empty,
    labels,
    metadata,
    pod,
    secret_files,
    service,
    stateful_set,
)

NAME = "postgresql"
PORT = 5432
CLAIM = "postgresql-data"
CAPACITY = "10Gi"
ACCESS_MODE: Document = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
PASSWORD_FILE = f"{SECRET_DIRECTORY}/postgresql-password"

ACCESS_FILE = f"{SCRATCH}/pg_hba.conf"
ACCESS = ("local all all trust", "host all all all scram-sha-256")

# Enough for every environment's pods with a pool of ten connections each, old and new version side by side.
SETTINGS = {
    "listen_addresses": "*",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "unix_socket_directories": SCRATCH,
    "hba_file": ACCESS_FILE,
}

# The database appears under its name in one step, so that an interrupted start is begun again.
SCRIPT = f"""\
set -eu
umask 077
if [ ! -d /data/main ]; then
  rm -rf /data/new
  initdb --pgdata=/data/new --username={USER} --pwfile={PASSWORD_FILE} --auth=scram-sha-256 \\
    --encoding=UTF8 --locale=C.UTF-8 --no-sync
  echo 'CREATE DATABASE {DATABASE}' | postgres --single -D /data/new postgres > /dev/null
  sync
  mv /data/new /data/main
fi
printf '%s\\n' {" ".join(f"'{line}'" for line in ACCESS)} > {ACCESS_FILE}
exec postgres -D /data/main {" ".join(f"-c '{key}={value}'" for key, value in SETTINGS.items())}
"""


def volume_name(namespace: str) -> str:
    """Return the name of the persistent volume of a namespace's database."""
    return f"{namespace}-{NAME}"


def objects(namespace: str, images: ServiceImages, storage: Storage) -> list[Document]:
    """Return the database's objects."""
    directory = storage.of(namespace, NAME)
    data: Document = empty("data")
    if directory is not None:
        data = {"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}
    content = container(
        NAME,
        images.postgresql,
        command=("sh", "-c", SCRIPT),
        port=PORT,
        mounts={"/data": "data", SCRATCH: "scratch", SECRET_DIRECTORY: "password"},
        resources=("50m", "96Mi", "512Mi"),
        startup={"exec": {"command": ["pg_isready", "--quiet", "--host=127.0.0.1"]}},
        # On SIGTERM alone it would wait until every client has gone.
        before_stop=("pg_ctl", "stop", "--pgdata=/data/main", "--mode=fast", "--no-wait"),
    )
    mounted = [data, empty("scratch"), secret_files("password", "postgresql-password")]
    template = pod(NAME, content, user=USER_ID, volumes=mounted, configuration=SCRIPT)
    return [service(NAME, namespace, PORT), stateful_set(NAME, namespace, template)]


def volumes(namespace: str, storage: Storage) -> list[Document]:
    """Return the volume of the database's data, which belongs to the node and not to the namespace."""
    directory = storage.of(namespace, NAME)
    if directory is None:
        return []
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": CLAIM}
    volume: Document = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(namespace), "labels": labels(NAME)},
        "spec": {
            **ACCESS_MODE,
            "capacity": {"storage": CAPACITY},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": claim,
            "hostPath": {"path": str(directory), "type": "Directory"},
        },
    }
    return [volume]


def claims(namespace: str, storage: Storage) -> list[Document]:
    """Return the claim to that volume.

    A claim passes the restricted Pod Security standard, which a directory of the node in the pod itself does not.
    """
    if storage.of(namespace, NAME) is None:
        return []
    spec = {**ACCESS_MODE, "volumeName": volume_name(namespace), "resources": {"requests": {"storage": CAPACITY}}}
    claim: Document = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(CLAIM, namespace, NAME),
        "spec": spec,
    }
    return [claim]
