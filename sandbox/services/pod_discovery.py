"""Tells Prometheus of the cluster's pods; runs beside it, in its pod, with Python's own library alone.

Debian builds Prometheus without its Kubernetes discovery. This writes what that would find (role `pod`, the labels
that are used here) to a file that Prometheus watches, so that the same relabelling serves both.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WATCH_SECONDS = 300
SILENCE_SECONDS = 30
RETRY_SECONDS = 1.0
PREFIX = "__meta_kubernetes"
FORBIDDEN = re.compile(r"[^a-zA-Z0-9_]")


def groups(pods: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Prometheus' target groups: one for each port of each pod that has an address, or one without a port."""
    found = []
    for pod in pods:
        status, address = pod.get("status", {}), pod.get("status", {}).get("podIP")
        if not address:
            continue
        metadata = pod["metadata"]
        shared = {
            f"{PREFIX}_namespace": metadata["namespace"],
            f"{PREFIX}_pod_name": metadata["name"],
            f"{PREFIX}_pod_ip": address,
            f"{PREFIX}_pod_phase": status.get("phase", ""),
        }
        for kind in ("label", "annotation"):
            for name, value in metadata.get(f"{kind}s", {}).items():
                shared[f"{PREFIX}_pod_{kind}_{FORBIDDEN.sub('_', name)}"] = value
        for container in pod["spec"]["containers"]:
            named = {**shared, f"{PREFIX}_pod_container_name": container["name"]}
            for port in container.get("ports", []):
                number = port["containerPort"]
                labels = {**named, f"{PREFIX}_pod_container_port_name": port.get("name", "")}
                found.append({"targets": [f"{address}:{number}"], "labels": labels})
            if not container.get("ports"):
                found.append({"targets": [address], "labels": named})
    return sorted(found, key=lambda group: json.dumps(group, sort_keys=True))


def write(file: Path, pods: Iterable[dict[str, Any]]) -> None:
    """Write the targets in one step, unless they are in the file already."""
    text = json.dumps(groups(pods), indent=1)
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return
    partial = file.with_suffix(".new")
    partial.write_text(text, encoding="utf-8")
    partial.rename(file)


def follow(pods: dict[str, dict[str, Any]], events: Iterable[dict[str, Any]]) -> Iterator[None]:
    """Bring `pods`, by their uid, up to date with each event of a watch; yield after each.

    Raises ValueError where the watch can tell no more and the pods have to be listed again.
    """
    for event in events:
        pod = event["object"]
        if event["type"] == "ERROR":
            raise ValueError(pod.get("message", "the watch ended"))
        if event["type"] == "DELETED":
            pods.pop(pod["metadata"]["uid"], None)
        else:
            pods[pod["metadata"]["uid"]] = pod
        yield


class ApiServer:
    """The API server as a pod reaches it."""

    def __init__(self) -> None:
        host = os.environ["KUBERNETES_SERVICE_HOST"]
        self._url = f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}/api/v1/pods"
        self._context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))

    def list(self) -> tuple[dict[str, dict[str, Any]], str]:
        """Return all pods by their uid, and the version from which on to watch."""
        with self._open({}) as answer:
            listing = json.load(answer)
        return {pod["metadata"]["uid"]: pod for pod in listing["items"]}, listing["metadata"]["resourceVersion"]

    def watch(self, version: str) -> Iterator[dict[str, Any]]:
        """Yield what changes after `version`, until the watch ends after five minutes."""
        query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)}
        with self._open(query) as answer:
            for line in answer:
                yield json.loads(line)

    def _open(self, query: dict[str, str]) -> Any:  # noqa: ANN401 - urllib names no type for an answer
        # The token is read each time, as it is renewed every hour.
        token = (ACCOUNT / "token").read_text(encoding="ascii")
        request = urllib.request.Request(f"{self._url}?{urllib.parse.urlencode(query)}")  # noqa: S310 - https
        request.add_header("Authorization", f"Bearer {token}")
        seconds = WATCH_SECONDS + SILENCE_SECONDS if query else SILENCE_SECONDS
        return urllib.request.urlopen(request, context=self._context, timeout=seconds)  # noqa: S310 - https


def main(file: Path) -> None:
    """Keep `file` up to date for ever."""
    server = ApiServer()
    while True:
        try:
            pods, version = server.list()
            write(file, pods.values())
            for _ in follow(pods, server.watch(version)):
                write(file, pods.values())
        except (OSError, HTTPException, ValueError) as error:
            print(f"pods cannot be followed, trying again: {error}", flush=True)
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
