"""The watch of a release that serves: by a Job that goes on after the update, or by the update itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components import pod
from components.gate import Check, Gate, GateArgs, Record
from components.gone_back import leave_as_it_is
from concerns.watch import WatchJobSettings
from settings import Settings

PLAN_DIRECTORY, SECRETS_DIRECTORY = "/etc/watch/plan", "/etc/watch/secrets"
PLAN_FILE, SECRETS_FILE = "plan.json", "secrets.json"
# Its node may go more than once within the hour, and a pod is begun anew each time.
BACKOFF_LIMIT = 20
# Beyond the time of the watch: for pods that are begun anew, a rollback, and until somebody has taken the problem on.
SLACK_SECONDS = 2 * 3600
# A node that is gone is believed to be for so long; the cluster's own patience is five minutes.
NODE_SECONDS = 20
GRACE_SECONDS = 30


@dataclass(frozen=True)
class JobPlan:
    """What the Job is given: the name of the attempt, the plan as text, and its secrets."""

    key: str
    text: str
    secrets: str


@dataclass(frozen=True)
class WatchArgs:
    """`record` is the release that is watched. `check` watches it in this update; `plan` tells the Job how to.

    `image` is the Job's, by digest. `settled`: the release serves already and was watched, or another one was left for
    it, so that the watch stays as it is, whichever release it was of.
    """

    settings: Settings
    record: Record
    check: Check
    plan: Callable[[Mapping[str, str]], JobPlan]
    image: str
    settled: bool


class Watch(pulumi.ComponentResource):
    """With mode `job` a Job, its account with just the rights of a rollback, and its plan; with `inline` a gate.

    The Job is named after the attempt of the release, so a newer release deletes it and has its own. It stays when it
    has ended (it has no time to live), so that the next preview finds it; its settings count from the next release on.
    Deliberately waits for nothing: an update returns while the Job watches.
    """

    def __init__(self, name: str, args: WatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Watch", name, {}, opts)
        watch = args.settings.watch
        if watch.mode == "inline":
            Gate(
                name,
                GateArgs(
                    record=f"{args.settings.application.deployment}-watched",
                    namespace=args.settings.cluster.namespace,
                    data=args.record,
                    check=args.check,
                    plan=f"watch: this update goes on for {watch.minutes:g} minutes",
                ),
                pulumi.ResourceOptions(parent=self, transformations=[leave_as_it_is] if args.settled else None),
            )
        elif watch.mode == "job" and watch.job is not None:
            self._job(name, args, watch.job, self._access(name, args.settings))
        self.register_outputs({})

    def _access(self, name: str, settings: Settings) -> list[pulumi.Resource]:
        deployment, namespace = settings.application.deployment, settings.cluster.namespace
        child = pulumi.ResourceOptions(parent=self)
        metadata = k8s.meta.v1.ObjectMetaArgs(
            name=f"{deployment}-watch", namespace=namespace, labels=labels_of(deployment), annotations=pod.ANNOTATIONS
        )
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
        )
        role = k8s.rbac.v1.Role(
            f"{name}-role",
            metadata=metadata,
            rules=[k8s.rbac.v1.PolicyRuleArgs(**rule) for rule in rules(settings)],
            opts=child,
        )
        binding = k8s.rbac.v1.RoleBinding(
            f"{name}-rights",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=f"{deployment}-watch"
            ),
            subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=f"{deployment}-watch", namespace=namespace)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account, role]),
        )
        return [account, role, binding]

    def _job(self, name: str, args: WatchArgs, job: WatchJobSettings, access: list[pulumi.Resource]) -> None:
        settings = args.settings
        deployment, namespace = settings.application.deployment, settings.cluster.namespace
        plan = pulumi.Output.all(**args.record).apply(args.plan)
        key = plan.apply(lambda each: each.key)
        # All three are named after the attempt: the pod of an older one never reads the plan of a newer one.
        object_name = key.apply(lambda each: f"{deployment}-watch-{each}")
        metadata = k8s.meta.v1.ObjectMetaArgs(
            name=object_name, namespace=namespace, labels=labels_of(deployment), annotations=pod.SKIP_AWAIT
        )

        def opts(*fields: str, after: list[pulumi.Resource]) -> pulumi.ResourceOptions:
            ignored = ["metadata", *fields] if args.settled else None
            return pulumi.ResourceOptions(parent=self, depends_on=after, ignore_changes=ignored)

        text = k8s.core.v1.ConfigMap(
            f"{name}-plan",
            metadata=metadata,
            data={PLAN_FILE: plan.apply(lambda each: each.text)},
            opts=opts("data", after=[]),
        )
        secrets = k8s.core.v1.Secret(
            f"{name}-secrets",
            metadata=metadata,
            string_data=pulumi.Output.secret({SECRETS_FILE: plan.apply(lambda each: each.secrets)}),
            opts=opts("stringData", "data", after=[]),
        )
        k8s.batch.v1.Job(
            f"{name}-job",
            metadata=metadata,
            spec=k8s.batch.v1.JobSpecArgs(
                backoff_limit=BACKOFF_LIMIT,
                active_deadline_seconds=round(60 * settings.watch.minutes) + SLACK_SECONDS,
                template=_template(args, job, key, object_name),
            ),
            opts=opts("spec", after=[text, secrets, *access]),
        )


def rules(settings: Settings) -> list[dict[str, Any]]:
    """Return what the watch may do in its namespace: look, and what a rollback changes.

    Pods, ConfigMaps and Jobs have names that nobody knows beforehand, so those rights are not bound to names.
    """
    deployment = settings.application.deployment
    both = [deployment, f"{deployment}-canary"]
    services = [deployment, f"{deployment}-stable", f"{deployment}-canary"]
    found: list[dict[str, Any]] = [
        _rule("apps", ["deployments"], ["get", "patch"], both),
        _rule("apps", ["deployments/scale"], ["get", "patch"], both),
        _rule("apps", ["replicasets"], ["list"]),
        _rule("", ["pods"], ["list", "patch"]),
        _rule("", ["pods/log", "pods/proxy"], ["get"]),
        _rule("", ["events"], ["list"]),
        _rule("", ["services"], ["get"], services),
        _rule("discovery.k8s.io", ["endpointslices"], ["list"]),
        _rule("", ["configmaps"], ["get", "list", "create", "update", "delete"]),
        _rule("batch", ["jobs"], ["get", "delete"]),
        _rule("coordination.k8s.io", ["leases"], ["create"]),
        _rule("coordination.k8s.io", ["leases"], ["get", "update"], [deployment]),
    ]
    if settings.ingress.gateway is not None:
        found.append(_rule("gateway.networking.k8s.io", ["httproutes"], ["get", "patch"], [deployment]))
    return found


def _rule(group: str, resources: list[str], verbs: list[str], names: list[str] | None = None) -> dict[str, Any]:
    named = {} if names is None else {"resource_names": names}
    return {"api_groups": [group], "resources": resources, "verbs": verbs, **named}


def labels_of(deployment: str) -> dict[str, str]:
    """Return the labels of everything that watches the releases of `deployment`."""
    # Not the label `app`: whoever selects the application's pods must not find this one.
    return {"component": "watch", "watches": deployment}


def _template(
    args: WatchArgs, job: WatchJobSettings, key: pulumi.Input[str], object_name: pulumi.Input[str]
) -> k8s.core.v1.PodTemplateSpecArgs:
    settings = args.settings
    volumes, mounts = pod.scratch()
    volumes += [
        k8s.core.v1.VolumeArgs(name="plan", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=object_name)),
        k8s.core.v1.VolumeArgs(
            name="secrets", secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=object_name, default_mode=0o440)
        ),
    ]
    mounts += [
        k8s.core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=True)
        for name, path in (("plan", PLAN_DIRECTORY), ("secrets", SECRETS_DIRECTORY))
    ]
    container = k8s.core.v1.ContainerArgs(
        name="watch",
        image=args.image,
        args=[
            f"--plan={PLAN_DIRECTORY}/{PLAN_FILE}",
            f"--secrets={SECRETS_DIRECTORY}/{SECRETS_FILE}",
            pulumi.Output.format("--key={0}", key),
        ],
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={"cpu": job.cpu_request, "memory": job.memory_request}, limits={"memory": job.memory_limit}
        ),
        security_context=pod.container_security(),
        volume_mounts=mounts,
    )
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels_of(settings.application.deployment)),
        spec=k8s.core.v1.PodSpecArgs(
            restart_policy="Never",
            service_account_name=f"{settings.application.deployment}-watch",
            # It is what the Job is for; the account itself gives its token to nobody else.
            automount_service_account_token=True,
            enable_service_links=False,
            security_context=pod.pod_security(),
            termination_grace_period_seconds=GRACE_SECONDS,
            tolerations=[
                k8s.core.v1.TolerationArgs(
                    key=f"node.kubernetes.io/{trouble}",
                    operator="Exists",
                    effect="NoExecute",
                    toleration_seconds=NODE_SECONDS,
                )
                for trouble in ("not-ready", "unreachable")
            ],
            containers=[container],
            volumes=volumes,
        ),
    )
