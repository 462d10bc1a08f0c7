"""Going back to the last verified release."""

from __future__ import annotations

from collections.abc import Mapping

from checks.reader import Unreachable
from checks.rollout import judge_rollout
from checks.verdict import Kind, Verdict
from checks.waiting import Clock, Reporter, wait_for_verdict
from cluster.api import Cluster
from cluster.errors import ClusterError
from cluster.releases import VerifiedRelease

INTERVAL_SECONDS = 0.5


def go_back(
    cluster: Cluster,
    deployment: str,
    selector: str,
    to: VerifiedRelease,
    *,
    timeout_seconds: float,
    reporter: Reporter,
    clock: Clock,
) -> Verdict:
    """Put the Deployment's pod template and the records back to those of `to`, and wait until it runs.

    The configuration is part of the template, so it goes back with it. The migration Job of the release that is left
    is deleted, so that the next preview of the version gone back to shows no change. Deliberately leaves the database
    alone: a migration suits the version before it, or says beforehand that there is no way back. Raises ClusterError
    or Unreachable only where nothing has been put back.
    """
    cluster.replace_deployment_template(deployment, to.template)
    # From here on the pods go back: an error must not read as if they did not.
    try:
        for name, data in to.records.items():
            _put_back(cluster, name, data)
    except (ClusterError, Unreachable) as error:
        return Verdict(Kind.UNREACHABLE, f"its records cannot be put back: {error}")
    verdict = wait_for_verdict(
        lambda: judge_rollout(cluster, deployment, selector),
        waiting_for=f"rollback to {to.release.version}",
        timeout_seconds=timeout_seconds,
        interval_seconds=INTERVAL_SECONDS,
        reporter=reporter,
        clock=clock,
    )
    if verdict.kind is Kind.PASS:
        return Verdict(Kind.PASS, f"{to.release.version} runs again: {verdict.reason}")
    return verdict


def _put_back(cluster: Cluster, name: str, data: Mapping[str, str]) -> None:
    found = cluster.config_map(name) or {}
    left = found.get("data", {}).get("job")
    if left and left != data.get("job"):
        cluster.delete_job(left)
    version = found.get("metadata", {}).get("resourceVersion")
    if not cluster.write_config_map(name, data, resource_version=version):
        raise ClusterError(f"record {name} was changed by somebody else", mend="run the same command again")
