"""What a release breaks of an API: of what its users send and read today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidence.api.document import ApiDocument, Json, Operation
from evidence.api.schema import Change, Comparison

_SUCCESS = ("2", "default")


@dataclass(frozen=True)
class ApiBreak:
    """One thing that users rely on and that is not as it was; `names` are what a person may call it by."""

    text: str
    names: tuple[str, ...]

    def is_named_in(self, entry: str) -> bool:
        """Whether the entry of a list of breaking changes speaks of it."""
        said = entry.casefold()
        return any(name.casefold() in said for name in self.names)


def breaks(before: ApiDocument, after: ApiDocument) -> list[ApiBreak]:
    """Return what is broken, each thing once. Raises ApiDocumentError where a document cannot be understood.

    Answers are compared where they tell of success. What is only added breaks nothing.
    """
    old, new = before.operations(), after.operations()
    found: list[ApiBreak] = []
    for key, operation in old.items():
        if key not in new:
            found.append(ApiBreak(f"{operation.name} is gone", (operation.path,)))
            continue
        told = [
            *_parameters(before, after, operation, new[key]),
            *_body(before, after, operation, new[key]),
            *_answers(before, after, operation, new[key]),
        ]
        found += [_break(operation, where, change) for where, change in told]
    return list(dict.fromkeys(found))


def _break(operation: Operation, where: str, change: Change) -> ApiBreak:
    field = change.where.rpartition(".")[2].removesuffix("[]")
    what = f"{where} {change.where}".rstrip()
    return ApiBreak(f"{operation.name}: {what} {change.what}", tuple(filter(None, (operation.path, field))))


def _parameters(
    before: ApiDocument, after: ApiDocument, old: Operation, new: Operation
) -> Iterator[tuple[str, Change]]:
    compare = Comparison(before, after, sent=True)
    for key, parameter in old.parameters.items():
        place, name = key[0], str(parameter.get("name"))
        if key not in new.parameters:
            yield f"{place} parameter", Change(name, "is gone")
            continue
        now = new.parameters[key]
        if now.get("required") is True and parameter.get("required") is not True:
            yield f"{place} parameter", Change(name, "is now required")
        schemas = parameter.get("schema", True), now.get("schema", True)
        yield from ((f"{place} parameter", each) for each in compare.changes(*schemas, name))
    for key, parameter in new.parameters.items():
        if key not in old.parameters and parameter.get("required") is True:
            yield f"{key[0]} parameter", Change(str(parameter.get("name")), "is new and required")


def _body(before: ApiDocument, after: ApiDocument, old: Operation, new: Operation) -> Iterator[tuple[str, Change]]:
    where = "request"
    if new.body is None:
        if old.body is not None:
            yield where, Change("", "takes no body any more")
        return
    required = new.body.get("required") is True
    if old.body is None:
        if required:
            yield where, Change("", "must have a body")
        return
    if required and old.body.get("required") is not True:
        yield where, Change("", "must have a body")
    compare = Comparison(before, after, sent=True)
    yield from _contents(compare, where, old.body, new.body)


def _answers(before: ApiDocument, after: ApiDocument, old: Operation, new: Operation) -> Iterator[tuple[str, Change]]:
    compare = Comparison(before, after, sent=False)
    for status, answer in old.responses.items():
        if not str(status).startswith(_SUCCESS):
            continue
        if status not in new.responses:
            yield "answer", Change("", f"is {status} no more")
            continue
        yield from _contents(compare, "answer", before.resolved(answer), after.resolved(new.responses[status]))


def _contents(compare: Comparison, where: str, old: Json, new: Json) -> Iterator[tuple[str, Change]]:
    then, now = _media(old), _media(new)
    for kind, entry in then.items():
        if kind not in now:
            yield where, Change("", f"is {kind} no more")
            continue
        schemas = _schema(entry), _schema(now[kind])
        yield from ((where, each) for each in compare.changes(*schemas))


def _media(entry: Json) -> Mapping[str, Any]:
    found = entry.get("content")
    return found if isinstance(found, Mapping) else {}


def _schema(entry: Any) -> Any:  # noqa: ANN401
    return entry.get("schema", True) if isinstance(entry, Mapping) else True
