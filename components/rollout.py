"""The application's pods and how requests reach them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from cluster.names import CANARY, STABLE, Names
from cluster.standing import Standing
from components import pod
from components.gate import Check, Gate, GateArgs, Record
from components.traffic import traffic
from components.workload import WorkloadArgs, deployment
from settings import Settings


@dataclass(frozen=True)
class RolloutArgs:
    """`record` is what each step writes down: which release went through it, and from where it started.

    `step` decides at each step of a canary whether the next one may begin; `plan` says in one line what it will do.
    `standing` is what the cluster has already.
    """

    settings: Settings
    image: pulumi.Input[str]
    version: str
    record: Record
    standing: Standing
    step: Check
    plan: Callable[[int], str] = lambda _percent: ""


class Rollout(pulumi.ComponentResource):
    """The Deployment, behind its Service; with strategy `canary` also the canary and a gate for each step.

    The first gates scale the canary beside a stable that stays whole. Stable is changed only when they have been
    passed, and the last gate watches it being replaced. Deliberately does not wait for pods: the gates behind them do,
    and fail sooner and say more. Creates no namespace and no Secret: the backing services own them.
    """

    def __init__(self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("release-manager:release:Rollout", name, {}, opts)
        settings = args.settings
        self._names = Names(settings.application.deployment, settings.application.app)
        ways_in = traffic(name, settings, args.standing.port, pulumi.ResourceOptions(parent=self))
        *first, last = settings.rollout.steps or (100,)
        before: list[pulumi.Resource] = [*ways_in]
        if settings.rollout.strategy == "canary":
            before.append(self._canary(name, args, ways_in))
            for percent in first:
                before.append(self._gate(name, args, percent, before[-1]))
        stable = self._stable(name, args, before)
        if settings.rollout.strategy == "canary":
            self._gate(name, args, last, stable)
        self.register_outputs({})

    def _canary(self, name: str, args: RolloutArgs, ways_in: list[pulumi.Resource]) -> pulumi.Resource:
        workload = WorkloadArgs(args.settings, args.image, args.version, CANARY)
        # It rests at 0 between releases, and only the gates scale it; but one that a killed run left is let go here.
        ignored = None if args.standing.canary_left else ["spec.replicas"]
        opts = pulumi.ResourceOptions(parent=self, depends_on=ways_in, ignore_changes=ignored)
        return deployment(f"{name}-canary", workload, self._names.canary, 0, opts)

    def _stable(self, name: str, args: RolloutArgs, before: list[pulumi.Resource]) -> pulumi.Resource:
        rollout, workload = args.settings.rollout, WorkloadArgs(args.settings, args.image, args.version, STABLE)
        child = pulumi.ResourceOptions(parent=self)
        others_scale = rollout.autoscaling is not None or rollout.capacity == "fixed"
        stable = deployment(
            f"{name}-stable",
            workload,
            self._names.deployment,
            # The engine sends it with the first update, whatever it ignores later: that of an adopted stable stays.
            (args.standing.replicas or rollout.replicas) if others_scale else rollout.replicas,
            pulumi.ResourceOptions(
                parent=self, depends_on=before, ignore_changes=["spec.replicas"] if others_scale else None
            ),
        )
        metadata = k8s.meta.v1.ObjectMetaArgs(
            name=self._names.deployment,
            namespace=args.settings.cluster.namespace,
            labels={"app": self._names.app},
            annotations=pod.ANNOTATIONS,
        )
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-disruptions",
            metadata=metadata,
            spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1, selector=k8s.meta.v1.LabelSelectorArgs(match_labels=workload.selector)
            ),
            opts=child,
        )
        if rollout.autoscaling is not None:
            wanted = rollout.autoscaling
            target: dict[str, Any] = {"type": "Utilization", "average_utilization": wanted.cpu_percent}
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-autoscaler",
                metadata=metadata,
                spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                    min_replicas=wanted.minimum,
                    max_replicas=wanted.maximum,
                    scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                        api_version="apps/v1", kind="Deployment", name=self._names.deployment
                    ),
                    metrics=[
                        k8s.autoscaling.v2.MetricSpecArgs(
                            type="Resource",
                            resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(
                                name="cpu", target=k8s.autoscaling.v2.MetricTargetArgs(**target)
                            ),
                        )
                    ],
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[stable]),
            )
        return stable

    def _gate(self, name: str, args: RolloutArgs, percent: int, before: pulumi.Resource) -> Gate:
        return Gate(
            f"{name}-step-{percent}",
            GateArgs(
                record=self._names.step_record(percent),
                namespace=args.settings.cluster.namespace,
                data={**args.record, "step": str(percent)},
                check=args.step,
                plan=args.plan(percent),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[before]),
        )
