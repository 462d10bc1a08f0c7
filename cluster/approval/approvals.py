"""The record of approvals: who let which SQL or which release go on.

It is a ConfigMap beside the Deployment. Whoever may write it may approve: the right to do so is the cluster's to give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from cluster.api import Cluster, JsonObject
from cluster.config_map import change_config_map
from cluster.errors import ClusterError

KEPT = 200
ApprovalKind = Literal["migration", "release"]
_SUBJECT = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Approval(BaseModel):
    """`by` approved `subject` at `at`: the SHA-256 of a migration's SQL, or the version of a release.

    That of a release also names its commit and, where it was built already, the digest of its image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ApprovalKind
    subject: str
    by: str
    at: AwareDatetime
    commit: str = ""
    digest: str = ""


class Approvals:
    """Reads and extends the approvals of one Deployment. Only an approval by one of `approvers` counts.

    That is looked at when it is read too: whoever has left the list has approved nothing from then on.
    """

    def __init__(self, cluster: Cluster, deployment: str, approvers: Sequence[str]) -> None:
        self._cluster = cluster
        self._approvers = tuple(approvers)
        self.name = f"{deployment}-approvals"

    def find(self, kind: ApprovalKind, subject: str) -> Approval | None:
        """Return the approval of exactly this subject, or None. Raises ClusterError where the record is damaged."""
        found = self.given(kind, subject)
        return found if found is not None and found.by in self._approvers else None

    def given(self, kind: ApprovalKind, subject: str) -> Approval | None:
        """Return what is on record of this subject, also by somebody who is no approver. Raises ClusterError."""
        return self._given(self._cluster.config_map(self.name), kind, subject)

    def let(self, by: str) -> None:
        """Return if `by` may approve. Raises ClusterError."""
        if by not in self._approvers:
            raise ClusterError(
                f"'{by}' may not approve here; approvers are: {', '.join(self._approvers) or 'nobody'}",
                mend="name one of them (make approve ... BY=<name>), or add the name to approval.approvers",
            )

    def approve(
        self, kind: ApprovalKind, subject: str, by: str, at: datetime, *, commit: str = "", digest: str = ""
    ) -> Approval:
        """Record the approval and return it; one that counts already, of the same commit and digest, stays as it is.

        `at` has a time zone. Raises ClusterError where `by` may not approve, the subject cannot be one, or others
        write the record at the same time.
        """
        self.let(by)
        if _SUBJECT.fullmatch(subject) is None:
            raise ClusterError(
                f"'{subject[:80]}' cannot be approved as a {kind}: only letters, digits, '.', '_' and '-' are allowed",
                mend="copy the command that the update printed",
            )
        wanted = Approval(kind=kind, subject=subject, by=by, at=at, commit=commit, digest=digest)
        counts = wanted

        def with_it(found: JsonObject | None) -> Mapping[str, str] | None:
            nonlocal counts
            standing = self._given(found, kind, subject)
            same = standing is not None and (standing.commit, standing.digest) == (commit, digest)
            if standing is not None and same and standing.by in self._approvers:
                counts = standing
                return None
            counts = wanted
            return _newest({**_data(found), _key(kind, subject): wanted.model_dump_json(exclude_defaults=True)})

        change_config_map(self._cluster, self.name, with_it, mend="run the same command again")
        return counts

    def _given(self, found: Mapping[str, Any] | None, kind: ApprovalKind, subject: str) -> Approval | None:
        key = _key(kind, subject)
        text = _data(found).get(key)
        if text is None:
            return None
        approval = _parse(text)
        if approval is None or (approval.kind, approval.subject) != (kind, subject):
            raise ClusterError(
                f"key {key} of ConfigMap {self.name} does not hold the approval that it is named after",
                mend=f"kubectl -n {self._cluster.namespace} patch configmap {self.name} --type json"
                f' -p \'[{{"op": "remove", "path": "/data/{key}"}}]\', and approve again',
            )
        return approval


def _key(kind: ApprovalKind, subject: str) -> str:
    return f"{kind}-{subject}"


def _data(found: Mapping[str, Any] | None) -> dict[str, str]:
    return {} if found is None else dict(found.get("data") or {})


def _parse(text: str) -> Approval | None:
    try:
        return Approval.model_validate_json(text)
    except ValueError:
        return None


def _newest(data: Mapping[str, str]) -> dict[str, str]:
    """Return the newest approvals, so that the record stays within the size that the cluster allows."""
    stamps = {key: approval.at.timestamp() for key, text in data.items() if (approval := _parse(text)) is not None}
    kept = sorted(data, key=lambda key: stamps.get(key, 0.0))[-KEPT:]
    return {key: data[key] for key in kept}
