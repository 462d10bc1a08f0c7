"""The second line of defence: the policies, applied by the program itself, before it registers anything.

A policy pack is only asked where somebody names it; the program always runs. So a bare `pulumi up`, and one with
`--skip-preview`, `--target` or `--plan`, is held by the same rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime.settings import SETTINGS

from components.declared import at_registration, before_registration
from components.order import Node, before
from policies.judging import Violation, as_table, violations, violations_table
from policies.levels import strictest
from policies.rules.checklist import CHECKLIST, open_items, waived_items
from policies.rules.outline import OUTLINE, Part, parts_of, reference
from policies.rules.rule import DEV, Given

OPEN_HEADINGS = ("item", "what it asks for", "how it stands", "what closes it")
OPEN_WIDTHS = (16, 36, 42, 50)


def refuse_open(items: Mapping[str, Mapping[str, Any]], environment: str) -> None:
    """Return if no item of the checklist keeps a release of `environment` from beginning.

    To be called before anything is declared. `items` are those of Checklist.inputs(). Says for each item that is
    waived, in a warning of its own, that the release goes without it. Raises pulumi.RunError with all open items in
    one table, each with what closes it. In dev nothing is required and nothing is said.
    """
    judged_as = _judged_as(environment)
    if judged_as == DEV:
        return
    for item, entry in waived_items(items):
        until = entry.get("until") or "a day that nobody named"
        text = f"WAIVED: item {item.number}, {item.title}: {entry.get('value')} (until {until})"
        pulumi.warn(f"{text}. This release goes to {judged_as} without it.")
    found = open_items(items, Given(judged_as))
    if found:
        rows = ((f"{one.item.number:>2} {one.item.name}", one.item.title, one.why, one.closes) for one in found)
        raise pulumi.RunError(
            f"{_count(len(found), 'item')} of the checklist of {judged_as} {'is' if len(found) == 1 else 'are'} open;"
            f" nothing was changed:\n{as_table(OPEN_HEADINGS, OPEN_WIDTHS, rows)}"
        )


@contextmanager
def enforced(environment: str, *, settled: bool = False) -> Iterator[None]:
    """Register what the body declares only if the rules of `environment` let all of it; in dev, hold nothing.

    Nothing is registered before the body has ended. If anything declared in it violates a mandatory rule, nothing is:
    pulumi.RunError, with all violations in one table. Nor is anything if the body raises; what it raises is then what
    the program ends with, so that nothing may follow the body. What was not known when it
    was declared is judged again when the engine is asked for it; then a violation ends the update before that step.
    `settled`: the release was verified and serves, so how its checklist stands today holds nothing up; nor do open
    items in a preview, where the pack speaks of them. The body also has an Outline, which the policy pack looks at,
    registered before all else.
    """
    judged_as = _judged_as(environment)
    if judged_as == DEV:
        yield
        return
    # A preview is there to show all that is open, and what else would be done.
    spared = settled or pulumi.runtime.is_dry_run()
    enforcement = _Enforcement(judged_as, frozenset({CHECKLIST}) if spared else frozenset())
    enforcement.begin()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the registering of everything ends with
        enforcement.refuse(error)
        return
    except BaseException:
        enforcement.stop(pulumi.RunError("the program was stopped; nothing was changed"))
        raise
    enforcement.end()


class Outline(pulumi.ComponentResource):
    """What is declared and in which order, for the rules that concern more than one resource.

    `parts` is known once all is declared. Says the same for one release as for the next, as long as the order of
    things stays.
    """

    def __init__(self, environment: str, parts: pulumi.Input[Sequence[Part]]) -> None:
        super().__init__(OUTLINE, "outline", {"environment": environment, "parts": parts})
        self.register_outputs({})


@dataclass(frozen=True)
class _Seen:
    resource: pulumi.Resource
    node: Node
    parts: Sequence[Part]


@dataclass
class _Enforcement:
    environment: str
    spared: frozenset[str]
    _seen: dict[int, _Seen] = field(default_factory=dict, init=False)
    _found: list[Violation] = field(default_factory=list, init=False)
    _let: asyncio.Future[Sequence[Part]] = field(init=False)
    _outline: Outline = field(init=False)
    _ended: bool = field(default=False, init=False)
    _hooks: list[asyncio.Future[None]] = field(default_factory=list, init=False)
    _refusing: asyncio.Task[None] = field(init=False)

    def begin(self) -> None:
        """Hold back whatever is declared from now on."""
        self._let = asyncio.get_running_loop().create_future()
        self._outline = Outline(self.environment, pulumi.Output.from_input(self._let))
        _judge_first(SETTINGS.monitor, self._judge_request)
        pulumi.runtime.register_stack_transformation(self._look)

    def end(self) -> None:
        """Let everything be registered, or nothing, with pulumi.RunError."""
        parts = self._parts()
        outline = {"environment": self.environment, "parts": parts}
        self._found += self._judge(OUTLINE, "", outline)
        if self._found:
            self.refuse(pulumi.RunError(self._refusal(self._found)))
            return
        self._ended = True
        self._let.set_result(parts)

    def refuse(self, why: Exception) -> None:
        """Let nothing be registered, once the engine knows the hooks of what was declared.

        A program that ends while the SDK starts its server of hooks crashes in there, and nobody reads why it ended.
        """
        self._ended = True
        self._refusing = asyncio.ensure_future(self._refuse(why))

    async def _refuse(self, why: Exception) -> None:
        await asyncio.gather(*self._hooks, return_exceptions=True)
        self.stop(why)

    def stop(self, why: Exception) -> None:
        """Let nothing be registered: what has been declared fails with the error."""
        self._ended = True
        self._let.set_exception(why)

    def _look(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Judge a resource as it is declared, and hold it back: a transformation of Pulumi."""
        if self._ended:
            # What comes later is judged when the engine is asked for it, and need not be held back.
            return None
        self._hooks += _being_registered(args.opts.hooks)
        properties = before_registration(args.props)
        self._found += self._judge(args.type_, args.name, properties)
        self._seen[id(args.resource)] = _Seen(
            args.resource, _node(args), parts_of(args.type_, properties, gate=_is_gate(args.opts))
        )
        nothing: pulumi.Output[Any] = self._outline.urn.apply(lambda _urn: None)
        held = pulumi.ResourceOptions(depends_on=[nothing])
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, held))

    def _judge(self, kind: str, name: str, properties: Mapping[str, Any]) -> list[Violation]:
        return [] if kind in self.spared else violations(kind, name, properties, Given(self.environment))

    def _judge_request(self, request: Any) -> None:  # noqa: ANN401  (a message of the engine's protocol)
        found = self._judge(request.type, request.name, at_registration(request))
        if found:
            raise pulumi.RunError(self._refusal(found))

    def _parts(self) -> list[Part]:
        done = before({key: seen.node for key, seen in self._seen.items()})
        return [
            {
                **part,
                "after": sorted({reference(each) for other in done[key] for each in self._seen[other].parts}),
            }
            for key, seen in self._seen.items()
            for part in seen.parts
        ]

    def _refusal(self, found: Sequence[Violation]) -> str:
        keep = "keeps" if len(found) == 1 else "keep"
        begun = "this step and what follows were not begun" if self._ended else "nothing was changed"
        what = f"{_count(len(found), 'violation')} of the policies {keep} this release from {self.environment}"
        return f"{what}; {begun}:\n{violations_table(found)}"


def _judge_first(monitor: Any, judge: Callable[[Any], None]) -> None:  # noqa: ANN401  (the SDK gives it no type)
    """Let the engine's monitor only be asked to register what `judge` lets.

    In place: the SDK knows the monitor by its class, and gives hooks to no other.
    """
    register = monitor.RegisterResource

    def judged(request: Any) -> Any:  # noqa: ANN401
        judge(request)
        return register(request)

    monitor.RegisterResource = judged


def _judged_as(environment: str) -> str:
    """Return the environment whose rules hold: a stack is never judged more mildly than what it is called after."""
    return strictest(environment, pulumi.get_stack())


def _being_registered(hooks: pulumi.ResourceHookBinding | None) -> Iterator[asyncio.Future[None]]:
    """Yield what is done once the engine knows each of the hooks."""
    if hooks is None:
        return
    for named in (hooks.before_create, hooks.before_update, hooks.after_create, hooks.after_update):
        yield from (hook._registered for hook in named or () if isinstance(hook, pulumi.ResourceHook))  # noqa: SLF001


def _node(args: pulumi.ResourceTransformationArgs) -> Node:
    named = args.opts.depends_on
    listed = list(named) if isinstance(named, Sequence) else [named]
    return Node(
        parent=None if args.opts.parent is None else id(args.opts.parent),
        depends_on=frozenset(id(each) for each in listed if isinstance(each, pulumi.Resource)),
        component=isinstance(args.resource, pulumi.ComponentResource),
    )


def _is_gate(opts: pulumi.ResourceOptions) -> bool:
    return opts.hooks is not None and bool(opts.hooks.before_create) and bool(opts.hooks.before_update)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
