"""The log store: an OpenSearch that answers Elasticsearch's API, and what ships the application's logs to it."""

from __future__ import annotations

from pathlib import Path

from sandbox.images.log_store import HOME
from sandbox.services.access import cluster_account
from sandbox.services.model import NOBODY_ID, Document
from sandbox.services.pods import CONFINED, config_map, container, deployment, empty, pod, service

NAME = "log-store"
NAMESPACE = "monitoring"
PORT = 9200
NODE_PORT = 30920
CONFIGURATION = "log-store-configuration"
SHIPPER = Path(__file__).with_name("log_shipper.py")
DATA, STATE = "/usr/share/opensearch", "/tmp"  # noqa: S108 - the pod's own
READY = f"{STATE}/shipper-ready"
RULES = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)
OPTIONS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    f"-Djava.io.tmpdir={STATE}",
    f"-Dopensearch.path.home={HOME}",
    f"-Dopensearch.path.conf={DATA}/config",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
)
SETTINGS = {
    "discovery.type": "single-node",
    "network.host": "0.0.0.0",  # noqa: S104 - of its pod
    "http.port": PORT,
    "path.data": f"{DATA}/data",
    "path.logs": f"{DATA}/logs",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    "action.auto_create_index": "logs-*",
}


def objects(image: str) -> list[Document]:
    """Return the log store's objects but for the namespace; `image` is that of sandbox/images/log_store.py."""
    files = {"log_shipper.py": SHIPPER.read_text(encoding="utf-8")}
    java = ["java", *OPTIONS, "-cp", "lib/*", "org.opensearch.bootstrap.OpenSearch"]
    java += [f"-E{name}={value}" for name, value in SETTINGS.items()]
    # Its configuration is read from a copy that it may write to.
    start = f'mkdir -p {DATA}/data {DATA}/logs && cp -rT {HOME}/config {DATA}/config && exec "$@"'
    server = container(
        NAME,
        image,
        command=("/bin/sh", "-c", start, "start", *java),
        port=PORT,
        mounts={DATA: "data", STATE: "scratch"},
        resources=("50m", "640Mi", "1Gi"),
        probe={"httpGet": {"path": "/_cluster/health?wait_for_status=yellow&timeout=1s", "port": PORT}},
    )
    volumes = [empty(name) for name in ("data", "scratch", "shipped")]
    volumes.append({"name": "configuration", "configMap": {"name": CONFIGURATION}})
    template = pod(
        NAME,
        server,
        _shipper(image),
        user=NOBODY_ID,
        volumes=volumes,
        configuration=repr((files, java)),
        account=NAME,
        token=True,
    )
    return [
        *cluster_account(NAME, NAMESPACE, RULES),
        config_map(CONFIGURATION, NAMESPACE, NAME, files),
        service(NAME, NAMESPACE, PORT, node_port=NODE_PORT),
        deployment(NAME, NAMESPACE, template),
    ]


def _shipper(image: str) -> Document:
    return {
        "name": "shipper",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "/etc/log-store/log_shipper.py", f"http://127.0.0.1:{PORT}", READY],
        "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}, {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}],
        "volumeMounts": [
            {"name": "configuration", "mountPath": "/etc/log-store"},
            {"name": "shipped", "mountPath": STATE},
        ],
        # Ready with the logs of the pods that are there: whoever waits for it finds what they have said.
        "startupProbe": {"exec": {"command": ["test", "-e", READY]}, "periodSeconds": 1, "failureThreshold": 120},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": CONFINED,
    }
