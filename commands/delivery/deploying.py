"""Updates a stack: at once, or by the plan that was approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from commands.delivery.engine import PREVIEW_SECONDS, UPDATE_SECONDS, Engine
from commands.delivery.errors import MEND, DeliveryError
from commands.delivery.places import StackPlaces
from commands.delivery.preview import POLICIES
from commands.delivery.printed import Printed
from commands.delivery.seal import Now, fingerprint, seal, verify
from commands.delivery.surroundings import Surroundings
from evidence.release import read_release
from settings import Settings


@dataclass(frozen=True)
class Deploying:
    """Updates one stack from this checkout."""

    engine: Engine
    settings: Settings
    places: StackPlaces
    surroundings: Surroundings
    wall_clock: Callable[[], datetime]

    def deploy(self) -> list[str]:
        """Update the stack. Raises DeliveryError; what is wrong stands above it by then."""
        stack = self.engine.stack
        self.engine.output("stack", "select", "--create", stack)
        ran = self.engine.run("up", "--stack", stack, "--yes", *POLICIES, seconds=UPDATE_SECONDS)
        if ran.status != 0:
            raise DeliveryError(
                f"the update of {stack} failed: {_why(Printed(ran.lines))}",
                mend="mend what it names, and run the same again",
            )
        return [f"{stack} is updated"]

    def save_plan(self) -> list[str]:
        """Make a plan and its seal, whose SHA-256 is handed on as `plan`. Raises DeliveryError, EvidenceError."""
        stack = self.engine.stack
        self.places.make()
        self.engine.output("stack", "select", "--create", stack)
        before = self._now()
        self.places.plan.unlink(missing_ok=True)
        plan = ("--save-plan", str(self.places.plan))
        ran = self.engine.run("preview", "--stack", stack, *POLICIES, *plan, seconds=PREVIEW_SECONDS)
        if ran.status != 0 or not self.places.plan.is_file():
            raise DeliveryError(
                f"there is no plan for {stack}, as its preview failed: {_why(Printed(ran.lines))}",
                mend="close what is open on the checklist, mend what else it names, and run the same again",
            )
        digest = seal(self.places, before)
        self.surroundings.hand_on("plan", digest)
        self.surroundings.add_to_summary(
            f"## Plan for {stack}\n\nVersion `{before.version}`, commit `{before.commit[:12]}`. Whoever approves the"
            f" next job approves exactly the plan with the seal\n\n```text\n{digest}\n```\n\n"
        )
        return [f"plan for {stack}, version {before.version}: {digest}", self._next(digest)]

    def verify_plan(self, approved: str) -> list[str]:
        """Return if the plan that lies here is the approved one and still fits. Raises DeliveryError, EvidenceError."""
        found = verify(self.places, approved, self._now())
        return [f"the plan is the one that was approved, of {found.version}, and nothing was updated since"]

    def apply_plan(self, approved: str) -> list[str]:
        """Update the stack by the approved plan, and by nothing else. Raises DeliveryError, EvidenceError."""
        lines, stack = self.verify_plan(approved), self.engine.stack
        plan = ("--plan", str(self.places.plan))
        ran = self.engine.run("up", "--stack", stack, "--yes", *POLICIES, *plan, seconds=UPDATE_SECONDS)
        if ran.status != 0:
            raise self._failed(Printed(ran.lines))
        return [*lines, f"{stack} is updated as planned"]

    def _failed(self, printed: Printed) -> DeliveryError:
        stack = self.engine.stack
        again = f"make save-plan STACK={stack}, and let that plan be approved"
        if printed.not_as_planned:
            what = "what was done before stands above" if printed.begun else "nothing was changed"
            return DeliveryError(
                f"the plan no longer fits: the cluster, or what the checklist found, is not as it was when the plan"
                f" was made; {what}: {_why(printed)}",
                mend=again,
            )
        if printed.begun:
            return DeliveryError(
                f"the update of {stack} failed: {_why(printed)}",
                mend=f"mend what it names, then {again}: the state is no longer what this plan was made for",
            )
        return DeliveryError(
            f"the update of {stack} was stopped before it changed anything: {_why(printed)}",
            mend=f"mend what it names, then run the same again, or {again}",
        )

    def _now(self) -> Now:
        revision = read_release(Path(self.settings.image.context), self.settings.release)
        exported = self.engine.output("stack", "export", "--stack", self.engine.stack)
        return Now(
            stack=self.engine.stack,
            version=revision.version(self.settings.environment),
            commit=revision.sha,
            at=self.wall_clock(),
            state=fingerprint(exported),
        )

    def _next(self, digest: str) -> str:
        return f"next: make apply-plan STACK={self.engine.stack} PLAN={digest}"


def _why(printed: Printed) -> str:
    # Its own advice stands above; one error ends in one.
    return printed.reason.partition(MEND)[0].rstrip(":") or "the reason stands above"
