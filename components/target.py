"""The cluster that everything is declared on, and in which order."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from concerns.cluster import ClusterSettings


def provider(settings: ClusterSettings) -> k8s.Provider:
    """Return the provider of the cluster that `settings` names, and of no other.

    A rollback writes fields that the engine owns: the next update takes them over again instead of stopping.
    """
    return k8s.Provider(
        "cluster",
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        enable_config_map_mutable=True,
        enable_patch_force=True,
    )


def after(target: pulumi.ResourceOptions, *before: pulumi.Resource) -> pulumi.ResourceOptions:
    """Return the options `target` for what is begun only when all of `before` is done."""
    return pulumi.ResourceOptions.merge(target, pulumi.ResourceOptions(depends_on=list(before)))
