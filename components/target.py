"""The cluster that everything is declared on, and in which order."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from cluster.standing import Standing
from components.gone_back import leave_as_it_is
from concerns.cluster import ClusterSettings


def target(settings: ClusterSettings, standing: Standing) -> pulumi.ResourceOptions:
    """Return the options by which everything is declared on the cluster that `settings` names, and on no other.

    A rollback writes fields that the engine owns: the next update takes them over again instead of stopping. What is
    there already by the name of a resource, made by hand, is taken over as well.
    """
    provider = k8s.Provider(
        "cluster",
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        enable_config_map_mutable=True,
        enable_patch_force=True,
        upsert_existing_objects=True,
    )
    return pulumi.ResourceOptions(
        providers=[provider], transformations=[leave_as_it_is] if standing.gone_back else None
    )


def after(target: pulumi.ResourceOptions, *before: pulumi.Resource) -> pulumi.ResourceOptions:
    """Return the options `target` for what is begun only when all of `before` is done."""
    return pulumi.ResourceOptions.merge(target, pulumi.ResourceOptions(depends_on=list(before)))
