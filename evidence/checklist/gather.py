"""Asks everybody who can prove an item, all at once and within one time-out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent import futures
from concurrent.futures import Future
from datetime import date

import httpx

from checks.daemon_pool import DaemonPool
from checks.reader import Unreachable
from cluster.errors import ClusterError
from concerns.checklist import ChecklistSettings
from evidence.checklist.checklist import Checklist, Line
from evidence.checklist.claims import break_glass_source, with_claims
from evidence.checklist.item import BY_NAME, ITEMS, Item
from evidence.checklist.proof import Proof, Provers, State
from evidence.errors import EvidenceError

Wait = Callable[[Collection[Future[Proof]], float], object]
_MEND = ". To mend it: "
_LONGEST = 400
_AGAIN = "see that it answers from here, then run the same command again"


def _wait(asked: Collection[Future[Proof]], seconds: float) -> object:
    return futures.wait(asked, timeout=seconds)


def gather(
    provers: Provers,
    settings: ChecklistSettings,
    *,
    environment: str,
    version: str,
    today: date,
    wait: Wait = _wait,
) -> Checklist:
    """Return how each of the nineteen items of release `version` stands on `today`.

    Takes settings.timeout_seconds at most: whoever has not answered by then makes its item UNKNOWN, and so does
    whoever fails, with one line. A thread that hangs is left behind. Raises ValueError for the name of no item.
    """
    if unknown := set(provers) - set(BY_NAME):
        message = f"there is no item {', '.join(sorted(unknown))}; there are: {', '.join(BY_NAME)}"
        raise ValueError(message)
    found = _ask(provers, settings.timeout_seconds, wait)
    lines = []
    for item in ITEMS:
        proof = _closable(item, found.get(item.name) or _unproven(), settings)
        proof = with_claims(item.name, proof, settings, version=version, today=today)
        lines.append(Line(item, proof, item.name in settings.required))
    return Checklist(environment, version, tuple(lines), _emergency(lines, settings))


def _ask(provers: Provers, seconds: float, wait: Wait) -> dict[str, Proof]:
    pool = DaemonPool(max(1, len(provers)), name="checklist")
    asked = {name: pool.submit(prover) for name, prover in provers.items()}
    pool.close()
    wait(list(asked.values()), seconds)
    return {name: _answer(future, seconds) for name, future in asked.items()}


def _answer(future: Future[Proof], seconds: float) -> Proof:
    if not future.done():
        return Proof(State.UNKNOWN, "evidence", f"no answer within {seconds:g} s", closes=_AGAIN)
    error = future.exception()
    return future.result() if error is None else _failed(error)


def _failed(error: BaseException) -> Proof:
    if isinstance(error, EvidenceError | ClusterError | Unreachable):
        text = " ".join(str(error).split())
        what, _, mend = text.partition(_MEND)
        if not mend and "; " in text:
            what, _, mend = text.rpartition("; ")
        return Proof(State.UNKNOWN, "evidence", what[:_LONGEST], closes=mend or _AGAIN)
    if isinstance(error, httpx.HTTPError):
        # Its own text may hold what was sent.
        return Proof(State.UNKNOWN, "evidence", f"no answer ({type(error).__name__})", closes=_AGAIN)
    what = f"a fault in the program itself ({type(error).__name__})"
    return Proof(State.UNKNOWN, "evidence", what, closes="waive the item for this release, and report the fault")


def _unproven() -> Proof:
    return Proof(State.MISSING, "settings", "nothing is configured that proves it")


def _closable(item: Item, proof: Proof, settings: ChecklistSettings) -> Proof:
    """Return the proof with what closes it, where it is open and does not say so itself."""
    if proof.state.closed or proof.closes:
        return proof
    stated = item.name in settings.may_be_stated
    closes = (
        f"who knows it states it: checklist.statements, with item {item.name}, by, dated, until and text"
        if stated
        else f"configure its proof (docs/checklist.md), or waive it: checklist.waivers, with item {item.name}, reason,"
        " by and until"
    )
    return Proof(proof.state, proof.source, proof.value, proof.seen, proof.link, closes, proof.until)


def _emergency(lines: Collection[Line], settings: ChecklistSettings) -> str:
    found = settings.break_glass
    if found is None:
        return ""
    source = break_glass_source(found)
    waived = [line.item.name for line in lines if line.proof.source == source]
    if not waived:
        return ""
    return f"{found.by} broke the glass for {found.release} until {found.until}: {found.reason} ({', '.join(waived)})"
