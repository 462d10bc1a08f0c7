"""The short-lived Job that asks the release's own image which migrations are pending.

As JSON, because it comes and goes inside one gate and is no part of what is declared. Its pod is the migration's: the
same image, environment, credentials and restrictions.
"""

from __future__ import annotations

from collections.abc import Sequence

from cluster.api import JsonObject
from concerns.application import RELEASE_VERSION, ApplicationSettings

KEPT_SECONDS = 300
USER_ID = 10001
# Standard output alone is an answer: the log goes to standard error and is shown only where a command failed.
SCRIPT = """
mark=$1
shift
files=${TMPDIR:-/tmp}
answer() {
  name=$1
  shift
  "$@" >"$files/answer" 2>"$files/log"
  status=$?
  printf '%s begin %s\\n' "$mark" "$name"
  cat "$files/answer"
  printf '\\n%s end %s %s\\n' "$mark" "$name" "$status"
  if [ "$status" != 0 ]; then
    cat "$files/log"
    exit 0
  fi
}
first_word() {
  word=
  read -r word _ <"$files/answer"
  printf '%s' "$word"
}
answer heads "$@" heads
head=$(first_word)
answer current "$@" current
current=$(first_word)
if [ "$current" != "$head" ]; then
  answer sql "$@" upgrade "${current:+$current:}head" --sql
fi
"""


def planning_job(
    name: str,
    application: ApplicationSettings,
    alembic: Sequence[str],
    *,
    image: str,
    version: str,
    timeout_seconds: int,
) -> JsonObject:
    """Return the Job called `name`, which is also the mark of its answers in the log."""
    labels = {"component": "migration-plan", "app.kubernetes.io/version": version}
    environment = {**application.environment, "PORT": str(application.port), RELEASE_VERSION: version}
    wanted = application.resources
    container = {
        "name": "migration-plan",
        "image": image,
        "command": ["/bin/sh", "-c", SCRIPT, "migration-plan", name, *alembic],
        "env": [{"name": key, "value": value} for key, value in sorted(environment.items())],
        "envFrom": [{"secretRef": {"name": application.credentials}}],
        "resources": {
            "requests": {"cpu": wanted.cpu_request, "memory": wanted.memory_request},
            "limits": {"memory": wanted.memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            "fsGroup": USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": timeout_seconds,
            # Where this program ends before it can delete the Job, the cluster does.
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
