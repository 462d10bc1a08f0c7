"""What stands for Slack, PagerDuty, the incident tracking and the other end of the dead man's switch."""

from __future__ import annotations

from pathlib import Path

from sandbox.services.model import NOBODY_ID, Document
from sandbox.services.pods import config_map, container, deployment, empty, metadata, pod, secret, service
from sandbox.services.prometheus import NAMESPACE

NAME = "receiver"
PORT = 8080
NODE_PORT = 30093
CONFIGURATION = "receiver-program"
PROGRAM = Path(__file__).with_name("receiver_program.py")
ADDRESS = f"http://{NAME}.{NAMESPACE}.svc:{PORT}"
SLACK, PAGERDUTY, INCIDENT, HEARTBEAT = "slack", "pagerduty", "incident", "heartbeat"
# What `monitoring.receivers.secret` names, with the keys that are its defaults.
SECRET = "release-manager-alerts"  # noqa: S105 - an object's name


def objects(image: str) -> list[Document]:
    """Return the receiver's objects but for the namespace."""
    content = container(
        NAME,
        image,
        command=("python3", f"/program/{PROGRAM.name}", str(PORT)),
        port=PORT,
        environment={"PYTHONUNBUFFERED": "1"},
        mounts={"/program": "program", "/tmp": "scratch"},  # noqa: S108 - the pod's own
        resources=("5m", "24Mi", "96Mi"),
    )
    text = PROGRAM.read_text(encoding="utf-8")
    volumes = [{"name": "program", "configMap": {"name": CONFIGURATION}}, empty("scratch")]
    account: Document = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(NAME, NAMESPACE)}
    template = pod(NAME, content, user=NOBODY_ID, volumes=volumes, configuration=text, account=NAME)
    return [
        account,
        config_map(CONFIGURATION, NAMESPACE, NAME, {PROGRAM.name: text}),
        service(NAME, NAMESPACE, PORT, node_port=NODE_PORT),
        deployment(NAME, NAMESPACE, template),
    ]


def credentials(namespace: str) -> Document:
    """Return the Secret that the routes of a release in `namespace` name; a stand-in has nothing to keep secret."""
    return secret(
        SECRET,
        namespace,
        {
            "slack-url": f"{ADDRESS}/{SLACK}",
            "pagerduty-routing-key": "sandbox",
            "incident-token": "sandbox",
        },
    )
