"""Create, update, read and delete one object, and wait until the cluster has done it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.plugins.kubernetes import managed_fields, steering
from sandbox.plugins.kubernetes.awaiting.registry import awaiter_after_change, awaiter_on_read, delete_seconds
from sandbox.plugins.kubernetes.awaiting.waiter import Waiter
from sandbox.plugins.kubernetes.client import Cluster
from sandbox.plugins.kubernetes.errors import (
    ApiError,
    ApplyConflictError,
    CancelledError,
    NoMatchError,
    ProviderError,
)
from sandbox.plugins.kubernetes.objects import (
    Object,
    copy_of,
    kind_of,
    name_of,
    namespace_of,
    set_member,
    text,
)
from sandbox.plugins.kubernetes.settings import Settings
from sandbox.plugins.protocol.engine_log import Log

# A namespace or a definition that the same program creates may appear a moment later.
CREATE_RETRY_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class Task:
    """One operation on a resource: its URN, field manager, custom time-out in seconds (0 for none), preview or real."""

    urn: str
    manager: str
    timeout_seconds: float = 0.0
    preview: bool = False
    is_patch: bool = False


@dataclass
class Lifecycle:
    """Operations on one cluster; `pause` sleeps some seconds and answers whether the user has cancelled."""

    cluster: Cluster
    settings: Settings
    log: Log
    pause: Callable[[float], bool]

    @property
    def waiter(self) -> Waiter:
        """Return what waits for objects of this cluster."""
        return Waiter(self.cluster, self.log, self.pause)

    def create(self, inputs: Object, task: Task) -> Object:
        """Create an object and wait until it is ready; return it as it is then.

        An object that exists already is an error, unless the provider may take it over or only patches it.
        """
        live = self._retried(lambda: self._send_create(inputs, task), inputs, task)
        self.log.status(task.urn, "")
        if task.preview:
            return live
        self._wait(inputs, live, task)
        return self._latest(live)

    def update(self, inputs: Object, old: Object, ignored: Sequence[str], task: Task) -> Object:
        """Bring an object to new inputs and wait until it is ready; return it as it is then."""
        live = self.cluster.get(kind_of(inputs), namespace_of(old), name_of(old))
        if kind_of(inputs).name == "CustomResourceDefinition":
            whole: Object = copy_of(inputs)
            set_member(whole, text(live, "metadata", "resourceVersion"), "metadata", "resourceVersion")
            result = self.cluster.replace(whole, manager=task.manager, dry_run=task.preview)
        else:
            result = self._apply(inputs, live, ignored, task)
        if task.preview:
            return result
        self._wait(inputs, result, task)
        return self._latest(result)

    def read(self, inputs: Object, namespace: str, name: str, *, check: bool) -> Object:
        """Return the live object; where `check` is set, raise InitializationError unless it is ready."""
        live = self.cluster.get(kind_of(inputs), namespace, name)
        awaiter = awaiter_on_read(inputs) if check else None
        if awaiter is not None:
            self.waiter.check_now(awaiter, live)
        return live

    def delete(self, inputs: Object, live: Object, task: Task) -> None:
        """Delete an object and wait until it is gone. One that is gone already, or whose kind is, is fine."""
        try:
            if task.is_patch:
                self.relinquish(live, task.manager)
                return
            current = self.cluster.read(live)
            self.cluster.delete(live, propagation=steering.deletion_propagation(inputs))
        except NoMatchError:
            return
        except ApiError as error:
            if error.not_found:
                return
            if error.forbidden and self.settings.upsert_existing:
                # An adopted object that may not be deleted, such as the default namespace, is only let go.
                self.relinquish(live, task.manager)
                return
            raise
        seconds = delete_seconds(inputs)
        if seconds is None:
            return
        custom = steering.timeout_seconds(inputs, task.timeout_seconds)
        self.waiter.until_gone(current, urn=task.urn, timeout_seconds=seconds if custom is None else custom)
        self.log.status(task.urn, "")

    def relinquish(self, live: Object, manager: str) -> None:
        """Give up every field that a manager owns."""
        self.cluster.apply(managed_fields.bare(live), manager=manager, force=False)

    def try_apply(self, inputs: Object, manager: str) -> Object:
        """Return what the server would make of inputs, changing nothing."""
        return self.cluster.apply(inputs, manager=manager, force=True, dry_run=True)

    def _send_create(self, inputs: Object, task: Task) -> Object:
        if self.settings.upsert_existing or task.is_patch:
            force = task.preview or self._forced(inputs)
            try:
                return self.cluster.apply(inputs, manager=task.manager, force=force, dry_run=task.preview)
            except ApiError as error:
                if error.conflict:
                    raise ApplyConflictError(task.manager, error) from error
                raise
        return self.cluster.create(inputs, manager=task.manager, dry_run=task.preview)

    def _apply(self, inputs: Object, live: Object, ignored: Sequence[str], task: Task) -> Object:
        if not task.preview and not task.is_patch:
            patch = managed_fields.take_over(live, task.manager)
            live = self.cluster.patch(live, patch) if patch else live
        wanted = managed_fields.honour_ignored(inputs, live, task.manager, ignored)
        # A preview may not take fields over, so it must not stumble over what the update will take over.
        force = self._forced(inputs) or (task.preview and managed_fields.created_by_provider(live))
        try:
            return self.cluster.apply(wanted, manager=task.manager, force=force, dry_run=task.preview)
        except ApiError as error:
            if error.conflict:
                raise ApplyConflictError(task.manager, error) from error
            raise

    def _forced(self, inputs: Object) -> bool:
        return self.settings.patch_force or steering.is_true(inputs, steering.PATCH_FORCE)

    def _wait(self, inputs: Object, live: Object, task: Task) -> None:
        awaiter = awaiter_after_change(inputs, await_all=self.settings.await_all)
        if awaiter is not None:
            seconds = steering.timeout_seconds(inputs, task.timeout_seconds)
            self.waiter.until_ready(awaiter, live, urn=task.urn, timeout_seconds=seconds)

    def _latest(self, live: Object) -> Object:
        try:
            return self.cluster.read(live)
        except ProviderError:
            # The object exists: an error now would lose it from state.
            return live

    def _retried(self, attempt: Callable[[], Object], inputs: Object, task: Task) -> Object:
        for count, seconds in enumerate((*CREATE_RETRY_SECONDS, None)):
            try:
                return attempt()
            except (ApiError, NoMatchError) as error:
                transient = isinstance(error, NoMatchError) or error.not_found
                if not transient or seconds is None or task.preview:
                    raise
                self.log.status(task.urn, f"Retry #{count}; creation failed: {error}")
                if self.pause(seconds):
                    raise CancelledError(inputs) from error
        raise AssertionError("the last attempt returns or raises")
