"""Whether a Job has done its work."""

from __future__ import annotations

from collections.abc import Sequence

from checks.objects import Job, Pod
from checks.pods import explain_waiting, judge_pods, last_lines, trouble_of
from checks.reader import ClusterReader, Unreachable
from checks.verdict import Kind, Verdict


def judge_job(reader: ClusterReader, name: str) -> Verdict:
    """Look once at Job `name`: PASS when complete, FAIL with its last log lines as soon as it certainly failed."""
    query = f"Job {name}"
    try:
        job = reader.job(name)
        if job is None:
            return Verdict(Kind.NO_DATA, f"there is no Job {name}", query=query)
        conditions = {condition.type: condition for condition in job.status.conditions if condition.status == "True"}
        if "Complete" in conditions:
            return Verdict(Kind.PASS, f"Job {name} is complete", query=query)
        failure = next((conditions[kind] for kind in ("Failed", "FailureTarget") if kind in conditions), None)
        # By uid: pods of an earlier Job of the same name may still be there.
        pods = reader.pods(f"batch.kubernetes.io/controller-uid={job.metadata.uid}")
        if failure is not None:
            lines = last_lines(reader, pods[-1].metadata.name) if pods else ()
            return Verdict(Kind.FAIL, f"Job {name} failed: {_why(job, failure.reason, pods)}", details=lines)
        verdict = judge_pods(reader, pods)
        if verdict is not None:
            return verdict
        why = explain_waiting(reader, pods)
        return Verdict(Kind.TOO_FEW, f"Job {name} runs" + (f"; {why}" if why else ""), query=query)
    except Unreachable as error:
        return Verdict(Kind.UNREACHABLE, str(error), query=query)


def _why(job: Job, reason: str, pods: Sequence[Pod]) -> str:
    if reason == "DeadlineExceeded":
        return "it was not done in time (DeadlineExceeded)"
    troubles = [trouble for trouble in map(trouble_of, pods) if trouble is not None]
    if troubles:
        return f"pod {troubles[-1].pod} {troubles[-1].reason}"
    return f"{job.status.failed} of its pods ended with an error ({reason})"
