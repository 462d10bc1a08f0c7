"""Whether every pod of the application is ready, whichever Deployment it is of."""

from __future__ import annotations

from checks.pods import explain_waiting
from checks.reader import ClusterReader, Unreachable
from checks.verdict import Kind, Verdict


def judge_every_pod(reader: ClusterReader, selector: str) -> Verdict:
    """Look once at all pods that `selector` matches but for those that have ended for good (evicted, say).

    PASS when each is ready, TOO_FEW while one is not, be it on its way out, NO_DATA where there is none.
    """
    query = f"pods {selector}"
    try:
        pods = [pod for pod in reader.pods(selector) if not pod.ended]
        waiting = [pod.metadata.name for pod in pods if not pod.ready]
        numbers = {"pods": len(pods), "ready": len(pods) - len(waiting)}
        if not pods:
            return Verdict(Kind.NO_DATA, f"there is no pod with {selector}", numbers, query)
        if not waiting:
            return Verdict(Kind.PASS, f"{len(pods)} of {len(pods)} pods with {selector} are ready", numbers, query)
        why = explain_waiting(reader, pods) or f"pod {waiting[0]} is not ready"
    except Unreachable as error:
        return Verdict(Kind.UNREACHABLE, str(error), query=query)
    return Verdict(
        Kind.TOO_FEW, f"{numbers['ready']} of {len(pods)} pods with {selector} are ready; {why}", numbers, query
    )
