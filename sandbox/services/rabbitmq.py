"""RabbitMQ: the application's message queue. Its contents end with the pod."""

from __future__ import annotations

from sandbox.services.model import USER_ID, Document, ServiceImages
from sandbox.services.pods import (
    SCRATCH,
    SECRET,
    container,
    empty,
    metadata,
    pod,
    service,
    stateful_set,
)

NAME = "rabbitmq"
PORT = 5672
CONFIGURATION = "rabbitmq-configuration"
HOME = "/var/lib/rabbitmq"
CONFIG_DIRECTORY = "/etc/rabbitmq"

FILES = {
    "enabled_plugins": "[].\n",
    "20-sandbox.conf": """\
listeners.tcp.default = 5672
loopback_users = none
log.console = true
log.console.level = warning
vm_memory_high_watermark.absolute = 256MiB
disk_free_limit.absolute = 50MB
""",
}
PASSWORD_FILE = "10-user.conf"  # noqa: S105 - a file's name

# One node that nobody joins: its name server and its own port for peers stay on the loopback.
ENVIRONMENT = {
    "HOME": HOME,
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_MNESIA_BASE": f"{HOME}/mnesia",
    "RABBITMQ_LOG_BASE": f"{HOME}/log",
    "RABBITMQ_LOGS": "-",
    "RABBITMQ_PID_FILE": f"{HOME}/pid",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{CONFIG_DIRECTORY}/enabled_plugins",
    "RABBITMQ_CONFIG_FILES": f"{CONFIG_DIRECTORY}/conf.d",
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
    "ERL_EPMD_ADDRESS": "127.0.0.1",
    "ERL_CRASH_DUMP_SECONDS": "0",
}
# Erlang makes tables as long as the limit of open files, which may be a million.
COMMAND = ("sh", "-c", "ulimit -n 4096; exec rabbitmq-server")


def objects(namespace: str, images: ServiceImages) -> list[Document]:
    """Return the queue's objects."""
    content = container(
        NAME,
        images.rabbitmq,
        command=COMMAND,
        port=PORT,
        environment=ENVIRONMENT,
        mounts={HOME: "data", CONFIG_DIRECTORY: "configuration", SCRATCH: "scratch"},
        resources=("20m", "160Mi", "512Mi"),
    )
    parts = [
        {"configMap": {"name": CONFIGURATION, "items": [_item("enabled_plugins", "enabled_plugins")]}},
        {"configMap": {"name": CONFIGURATION, "items": [_item("20-sandbox.conf", "conf.d/20-sandbox.conf")]}},
        {"secret": {"name": SECRET, "items": [_item("rabbitmq.conf", f"conf.d/{PASSWORD_FILE}")]}},
    ]
    volumes = [empty("data"), empty("scratch"), {"name": "configuration", "projected": {"sources": parts}}]
    template = pod(NAME, content, user=USER_ID, volumes=volumes, configuration=repr((COMMAND, ENVIRONMENT, FILES)))
    configuration: Document = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(CONFIGURATION, namespace, NAME),
        "data": FILES,
    }
    return [configuration, service(NAME, namespace, PORT), stateful_set(NAME, namespace, template)]


def _item(key: str, path: str) -> dict[str, str]:
    return {"key": key, "path": path}
