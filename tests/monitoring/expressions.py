"""Reads PromQL, and compares what it asks for with what somebody really gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import promql_parser
from prometheus_client.parser import text_string_to_metric_families

from monitoring.queries import OF_THE_POD

# What is given by others than the application: Prometheus' scrape, and kube-state-metrics by its documentation.
OF_OTHERS: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "kube_deployment_spec_replicas": frozenset({"deployment"}),
    "kube_deployment_status_replicas_ready": frozenset({"deployment"}),
    "kube_job_status_failed": frozenset({"job_name"}),
    "kube_cronjob_status_last_successful_time": frozenset({"cronjob"}),
}


@dataclass(frozen=True)
class Asked:
    """A series that an expression selects: its name, and its matchers as (label, operator, value)."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels, to which the scrape adds those of the pod, is selected."""
        return all(
            _fits(op, value, labels.get(name, "")) for name, op, value in self.matchers if name not in OF_THE_POD
        )


def asked(expr: str) -> list[Asked]:
    """Return every series that `expr` selects. Raises ValueError for what is no PromQL."""
    found: list[Asked] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = tuple((each.name, _operator(each), each.value) for each in node.matchers.matchers)
            found.append(Asked(node.name or "", matchers))
        return True

    promql_parser.walk(promql_parser.parse(expr), visit)
    return list(dict.fromkeys(found))


def given(text: str) -> dict[str, list[dict[str, str]]]:
    """Return the series of a /metrics text: by their names, the labels of each."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def nobody_gives(
    exprs: Iterable[str], application: Mapping[str, Sequence[Mapping[str, str]]], recorded: frozenset[str]
) -> Iterator[str]:
    """Return what of `exprs` selects nothing: a name that there is not, or labels that no series of the name has."""
    for expr in exprs:
        for each in asked(expr):
            if each.metric in recorded:
                continue
            if each.metric in OF_OTHERS:
                known = OF_OTHERS[each.metric] | set(OF_THE_POD)
                yield from (f"{each.metric}: no label {name}" for name, _, _ in each.matchers if name not in known)
            elif not any(each.fits(labels) for labels in application.get(each.metric, ())):
                yield f"{each.metric}: no such series with {each.matchers}"


def _operator(matcher: promql_parser.Matcher) -> str:
    return str(matcher.op).removeprefix("MatchOp.")


def _fits(operator: str, wanted: str, found: str) -> bool:
    if operator in {"Re", "NotRe"}:
        return bool(re.fullmatch(wanted, found)) is (operator == "Re")
    return (wanted == found) is (operator == "Equal")
