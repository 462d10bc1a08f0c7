"""What was approved is what is applied: a plan that was changed, or that no longer fits, stops before anything does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.delivery.deploying import Deploying
from commands.delivery.errors import DeliveryError
from commands.delivery.seal import fingerprint
from tests.commands.delivery.world import AT, World
from tests.evidence.checkouts import commit, copied, git, tagged_and_pushed
from tests.stack_values import settings_of

SAVES = """
import pathlib
file = pathlib.Path(sys.argv[sys.argv.index("--save-plan") + 1])
file.write_text('{"resourcePlans": {}}')
"""


@pytest.fixture
def deploying(world: World, monkeypatch: pytest.MonkeyPatch) -> Deploying:
    """Production, in a checkout with a release."""
    checkout = copied(tagged_and_pushed, world.root) / "checkout"
    monkeypatch.chdir(checkout)
    world.pulumi.does("preview", SAVES)
    settings = settings_of(image__context=str(checkout / "app"), release={"tag": "v%Y.%m.%d", "pushed": True})
    return Deploying(world.engine(directory=checkout), settings, world.of(), world.around, lambda: AT)


def planned(deploying: Deploying, world: World) -> str:
    """Make a plan, and return the SHA-256 that is approved."""
    deploying.save_plan()
    return world.handed_on()["plan"]


def refused(deploying: Deploying, approved: str, world: World) -> str:
    with pytest.raises(DeliveryError) as caught:
        deploying.apply_plan(approved)
    assert world.pulumi.calls("up") == []
    return str(caught.value)


def test_a_plan_is_made_with_the_policies_and_what_is_approved_is_told(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    arguments = " ".join(world.pulumi.calls("preview")[0]["arguments"])
    assert arguments == f"preview --stack prod --policy-pack policies --save-plan {world.of().plan}"
    assert digest in world.summary()
    assert "v2026.11.23" in world.summary()


def test_the_approved_plan_is_applied_and_nothing_else(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    deploying.apply_plan(digest)
    (call,) = world.pulumi.calls("up")
    assert " ".join(call["arguments"]) == f"up --stack prod --yes --policy-pack policies --plan {world.of().plan}"


def test_a_plan_that_was_changed_is_refused(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    world.of().plan.write_text('{"resourcePlans": {"mine": {}}}', encoding="utf-8")
    assert "plan.json was changed after it was made" in refused(deploying, digest, world)


def test_a_plan_that_was_changed_together_with_its_seal_is_refused(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    found = json.loads(world.of().seal.read_text(encoding="utf-8"))
    world.of().seal.write_text(json.dumps({**found, "plan": "0" * 64}), encoding="utf-8")
    assert "is not the seal that was approved" in refused(deploying, digest, world)


@pytest.mark.parametrize("approved", ["", "0" * 64])
def test_what_nobody_approved_is_refused(deploying: Deploying, world: World, approved: str) -> None:
    planned(deploying, world)
    assert "is not the seal that was approved" in refused(deploying, approved, world)


def another_commit(deploying: Deploying, _world: World) -> Deploying:
    checkout = Path(deploying.settings.image.context).parent
    commit(checkout)
    git(checkout, "push", "-q", "origin", "main")
    git(checkout, "tag", "-a", "-m", "release", "v2026.11.24")
    return deploying


def another_tag(deploying: Deploying, _world: World) -> Deploying:
    checkout = Path(deploying.settings.image.context).parent
    git(checkout, "tag", "-d", "v2026.11.23")
    git(checkout, "tag", "-a", "-m", "release", "v2026.11.24")
    return deploying


def hours_later(deploying: Deploying, _world: World) -> Deploying:
    return replace(deploying, wall_clock=lambda: AT + timedelta(hours=4, seconds=1))


def another_update(deploying: Deploying, world: World) -> Deploying:
    state = {"deployment": {"resources": [{"urn": "a", "inputs": {"x": 2}}]}}
    world.pulumi.answers("stack export", json.dumps(state))
    return deploying


def another_stack(deploying: Deploying, world: World) -> Deploying:
    return replace(deploying, engine=world.engine("staging", deploying.engine.directory))


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (another_commit, "it is of commit "),
        (another_tag, "it is of version v2026.11.23, and this is v2026.11.24"),
        (hours_later, "stale: made 4.0 h ago, and a plan holds for 4 h"),
        (another_update, "stale: the stack was updated since"),
        (another_stack, "it is for stack prod, not for staging"),
    ],
)
def test_a_plan_that_no_longer_fits_is_refused(
    deploying: Deploying, world: World, happens: Callable[[Deploying, World], Deploying], says: str
) -> None:
    digest = planned(deploying, world)
    text = refused(happens(deploying, world), digest, world)
    assert says in text
    assert "nothing was changed" in text
    assert "make save-plan STACK=" in text


def test_everything_that_is_wrong_is_told_at_once(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    text = refused(hours_later(another_update(deploying, world), world), digest, world)
    assert text.count("stale") == 2


@pytest.mark.parametrize("name", ["plan.json", "plan-seal.json"])
def test_a_plan_that_is_not_there_is_told(deploying: Deploying, world: World, name: str) -> None:
    digest = planned(deploying, world)
    (world.of().directory / name).unlink()
    assert f"{name} cannot be read" in refused(deploying, digest, world)


def test_a_preview_that_fails_leaves_no_plan_and_nothing_to_approve(deploying: Deploying, world: World) -> None:
    planned(deploying, world)
    (world.root / "output").unlink()
    world.pulumi.answers("preview", "error: 3 items of the checklist are open", status=255)
    with pytest.raises(DeliveryError, match=r"no plan for prod.*checklist"):
        deploying.save_plan()
    assert world.handed_on() == {}
    assert not world.of().plan.exists()


VIOLATION = "error: resource urn:x violates plan: properties changed: ~~data"


def test_a_cluster_that_is_not_as_planned_is_told_in_clear_words(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    world.pulumi.answers("up", "Previewing update (prod):", VIOLATION, status=255)
    with pytest.raises(DeliveryError, match=r"the plan no longer fits: .*nothing was changed.*make save-plan"):
        deploying.apply_plan(digest)
    assert VIOLATION in world.told


def test_a_violation_half_way_does_not_say_that_nothing_was_changed(deploying: Deploying, world: World) -> None:
    digest = planned(deploying, world)
    world.pulumi.answers("up", "Previewing update (prod):", "Updating (prod):", VIOLATION, status=255)
    with pytest.raises(DeliveryError, match="the plan no longer fits") as caught:
        deploying.apply_plan(digest)
    assert "nothing was changed" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["Previewing update (prod):"], "before it changed anything"),
        (["Updating (prod):"], "the update of prod failed"),
    ],
)
def test_another_failure_is_told_by_how_far_it_came(
    deploying: Deploying, world: World, lines: list[str], says: str
) -> None:
    digest = planned(deploying, world)
    world.pulumi.answers("up", *lines, "error: the canary failed", status=255)
    with pytest.raises(DeliveryError, match=says):
        deploying.apply_plan(digest)


def test_a_plan_can_be_looked_at_without_an_update(deploying: Deploying, world: World) -> None:
    lines = deploying.verify_plan(planned(deploying, world))
    assert "of v2026.11.23" in lines[0]
    assert world.pulumi.calls("up") == []


def test_an_update_without_a_plan_has_the_policies(deploying: Deploying, world: World) -> None:
    deploying.deploy()
    (call,) = world.pulumi.calls("up")
    assert " ".join(call["arguments"]) == "up --stack prod --yes --policy-pack policies"
    world.pulumi.answers("up", "error: no", status=1)
    with pytest.raises(DeliveryError, match="the update of prod failed"):
        deploying.deploy()


def state(**more: Any) -> str:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "a"}
    resource = {"urn": "a", "inputs": {"password": secret, "x": 1}, "outputs": {}, "modified": "2026-11-23", **more}
    return json.dumps({"deployment": {"manifest": {"time": "now"}, "resources": [resource]}})


def test_the_state_is_the_same_whatever_the_time_and_the_encryption() -> None:
    again = state(modified="2027-01-01", outputs={"status": 1}).replace('"ciphertext": "a"', '"ciphertext": "b"')
    assert fingerprint(again) == fingerprint(state())
    assert fingerprint(state(inputs={"x": 2})) != fingerprint(state())
    assert fingerprint(state(urn="b")) != fingerprint(state())


def test_an_export_that_is_none_is_told() -> None:
    with pytest.raises(DeliveryError, match="printed no state"):
        fingerprint("error: no")
