"""The few fields of Kubernetes objects that the checks read; everything else is ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


def _empty_if_null(value: object) -> object:
    return [] if value is None else value


class Owner(_Object):
    """One entry of metadata.ownerReferences."""

    kind: str
    uid: str


class Metadata(_Object):
    """metadata of any object."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: list[Owner] = Field(default_factory=list)
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Condition(_Object):
    """One entry of status.conditions."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class Waiting(_Object):
    """Why a container is not running yet."""

    reason: str = ""
    message: str = ""


class Terminated(_Object):
    """How a container ended."""

    exit_code: int
    reason: str = ""
    message: str = ""


class ContainerState(_Object):
    """state or lastState of a container: at most one of the three is set."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Object):
    """One entry of status.containerStatuses."""

    name: str
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    state: ContainerState = Field(default_factory=ContainerState)
    last_state: ContainerState = Field(default_factory=ContainerState)


class PodStatus(_Object):
    """status of a Pod."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] = Field(default_factory=list)
    container_statuses: Annotated[list[ContainerStatus], BeforeValidator(_empty_if_null)] = Field(default_factory=list)
    init_container_statuses: list[ContainerStatus] = Field(default_factory=list)


class Pod(_Object):
    """A pod."""

    metadata: Metadata
    status: PodStatus = Field(default_factory=PodStatus)

    @property
    def ready(self) -> bool:
        """Whether the pod serves: Ready, and not on its way out."""
        conditions = {condition.type: condition.status for condition in self.status.conditions}
        return self.metadata.deletion_timestamp is None and conditions.get("Ready") == "True"

    @property
    def running(self) -> bool:
        """Whether no container of it waits or has ended at this moment, whatever it has gone through before."""
        states = [status.state for status in self.status.container_statuses]
        return all(state.waiting is None and state.terminated is None for state in states)

    @property
    def ended(self) -> bool:
        """Whether the pod has ended for good, evicted ones among them: it serves nobody and is never run again."""
        return self.status.phase in {"Failed", "Succeeded"}


class DeploymentSpec(_Object):
    """spec of a Deployment."""

    replicas: int = 1


class DeploymentStatus(_Object):
    """status of a Deployment."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] = Field(default_factory=list)


class Deployment(_Object):
    """A Deployment, or a ReplicaSet as far as these fields go."""

    metadata: Metadata
    spec: DeploymentSpec = Field(default_factory=DeploymentSpec)
    status: DeploymentStatus = Field(default_factory=DeploymentStatus)


class JobStatus(_Object):
    """status of a Job."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: list[Condition] = Field(default_factory=list)


class Job(_Object):
    """A Job."""

    metadata: Metadata
    status: JobStatus = Field(default_factory=JobStatus)


class Event(_Object):
    """An event of the core API."""

    reason: str = ""
    message: str = ""
    type: str = ""
    count: int = 1
