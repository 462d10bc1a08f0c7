"""The program holds its own releases by the policies, whether or not anybody names the pack."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pulumi_docker as docker
import pulumi_kubernetes as k8s
import pytest
from pulumi.runtime.settings import SETTINGS

from cluster.standing import Standing
from components.enforcement import enforced, refuse_open
from components.migration import Migration, MigrationArgs
from components.rollout import Rollout, RolloutArgs
from components.verification import Verification, VerificationArgs
from policies.rules import checklist as checklist_rules
from policies.rules import outline
from settings import Settings
from tests.components.recorder import REPO_DIGEST, Recorder, declare
from tests.policies.plain_data import CHECKLIST, OUTLINE, item
from tests.stack_values import CANARY, settings_of

VERSION = "v2031.05.14"
RULES_SPEC = {
    "groups": [
        {
            "name": "limits",
            "rules": [
                *({"record": one["record"], "expr": one["expr"]} for one in OUTLINE["parts"][-2]["recorded"]),
                *(
                    {
                        "alert": f"Alert{number}",
                        "expr": text,
                        "labels": {"severity": "warning", "owner": "release manager"},
                        "annotations": {"runbook_url": "https://runbooks.internal/alert.md"},
                    }
                    for number, text in enumerate(OUTLINE["parts"][-2]["alerts"])
                ),
            ],
        }
    ]
}
PEOPLE = "release manager: R, +49 1; DevOps lead: D, +49 2; on-call engineer: O, +49 3; engineering manager: E, +49 4"
ROUTES_SPEC = {
    "route": {"receiver": "slack", "routes": [{"receiver": "page"}]},
    "receivers": [
        {"name": "slack", "slackConfigs": [{"channel": "#alerts", "text": PEOPLE}]},
        {"name": "page", "pagerdutyConfigs": [{"description": "a page"}]},
    ],
}


def settings(**changes: Any) -> Settings:
    return settings_of(
        environment="prod",
        cluster__namespace="production",
        application__deployment="release-manager-prod",
        **{**copy.deepcopy(CANARY), **changes},
    )


@pytest.fixture(autouse=True)
def _no_output_of_the_test_before() -> Iterator[None]:
    # What is there by now stays: only what the test itself leaves is looked through.
    gc.freeze()
    yield
    SETTINGS.outputs.clear()
    gc.collect()


def let(*_anything: object) -> None:
    return


def release(wanted: Settings, inputs: dict[str, Any] = CHECKLIST, image: pulumi.Input[str] = REPO_DIGEST) -> None:
    namespace = wanted.cluster.namespace
    checklist = pulumi.ComponentResource(checklist_rules.CHECKLIST, "checklist", inputs)
    k8s.core.v1.ConfigMap(
        "checklist-record",
        metadata={"name": "release-manager-prod-checklist", "namespace": namespace},
        opts=pulumi.ResourceOptions(parent=checklist),
    )

    def after(*before: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(depends_on=list(before))

    for kind, api, spec in (
        ("PrometheusRule", "monitoring.coreos.com/v1", RULES_SPEC),
        ("AlertmanagerConfig", "monitoring.coreos.com/v1alpha1", ROUTES_SPEC),
    ):
        k8s.apiextensions.CustomResource(
            f"monitoring-{kind}", api_version=api, kind=kind, metadata={"name": "m", "namespace": namespace}, spec=spec
        )
    migration = Migration("migration", MigrationArgs(wanted, image, VERSION, let, let), after(checklist))
    record = {"version": VERSION, "image": image}
    rollout = Rollout("rollout", RolloutArgs(wanted, image, VERSION, record, Standing(), let), after(migration))
    Verification("verification", VerificationArgs(wanted, record, let), after(rollout))


def refused(program: Callable[[], object], *, preview: bool = False) -> tuple[str, list[str]]:
    """Return what a refused program says, and what of it was registered all the same."""
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as caught:
        declare(program, recorder=recorder, preview=preview)
    # A program that fails leaves them to its end, which in a test is that of the next program.
    SETTINGS.outputs.clear()
    return str(caught.value), [each.name for each in recorder.declared]


def within(environment: str, body: Callable[[], object], **options: bool) -> Callable[[], None]:
    def program() -> None:
        with enforced(environment, **options):
            body()

    return program


def test_a_release_that_is_as_the_guide_wants_it_is_registered_whole() -> None:
    held = declare(within("prod", lambda: release(settings())))
    free = declare(lambda: release(settings()))
    assert sorted(each.name for each in held.declared) == sorted([*(each.name for each in free.declared), "outline"])


@pytest.mark.parametrize("preview", [True, False])
def test_what_violates_a_policy_keeps_everything_from_being_registered(*, preview: bool) -> None:
    wrong = settings(rollout__max_surge=3, application__app="other")
    text, registered = refused(within("prod", lambda: release(wanted=wrong)), preview=preview)
    assert registered == [], "nothing may change, and nothing was declared before the violation but what waits"
    assert "nothing was changed" in text


def test_all_that_is_wrong_is_told_in_one_table_with_what_mends_it() -> None:
    wrong = settings(
        rollout__max_surge=3,
        rollout__steps=[50, 100],
        analysis__rule_out_error_percent=[1, 0.1],
        analysis__rule_out_slow_percent=[5, 1],
        application__app="other",
    )
    text, _ = refused(within("prod", lambda: release(wanted=wrong, inputs=item("review", state="missing"))))
    lines = text.splitlines()
    for rule, remedy in (
        ("strategy-of-the-guide", "rollout.max_surge to 1"),
        ("gate-for-each-step", "Set rollout.strategy to canary"),
        ("pods-labelled", "Set application.app to"),
        ("checklist-03-review", "do what closes it"),
    ):
        found = [" ".join(line.split()) for line in lines if line.startswith(rule)]
        assert found, text
        assert any(remedy in line for line in found), found


def test_the_outline_tells_the_order_in_which_things_are_really_begun() -> None:
    found = declare(within("prod", lambda: release(settings()))).only(outline.OUTLINE).inputs
    parts = {outline.reference(each): each for each in found["parts"]}
    assert found["environment"] == "prod"
    for wanted in OUTLINE["parts"]:
        if wanted["part"] in {"gate", "deployment", "job"}:
            declared = parts[outline.reference(wanted)]
            assert set(wanted["after"]) <= set(declared["after"])
            assert {key: declared[key] for key in wanted if key != "after"} == {
                key: wanted[key] for key in wanted if key != "after"
            }
    verified = parts["gate release-manager-prod-verified"]
    assert "gate release-manager-prod-verified" not in verified["after"]
    assert not any("verified" in each for part in parts.values() for each in part["after"])


def test_the_outline_says_the_same_of_another_version() -> None:
    """So that the preview of the version before shows no change after a rollback."""

    def outline_with(image: str) -> dict[str, Any]:
        return declare(within("prod", lambda: release(settings(), image=image))).only(outline.OUTLINE).inputs

    assert outline_with(REPO_DIGEST) == outline_with(REPO_DIGEST.replace("5e", "4f"))


def test_the_outline_is_registered_before_all_else() -> None:
    assert declare(within("prod", lambda: release(settings()))).declared[0].kind == outline.OUTLINE


@pytest.mark.parametrize(
    ("left_out", "rule"),
    [
        ("monitoring-PrometheusRule", "alert-for-each-limit"),
        ("monitoring-AlertmanagerConfig", "contacts-are-routed"),
        ("rollout-disruptions", "disruption-is-bounded"),
    ],
)
def test_what_is_not_declared_at_all_is_missed(left_out: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pulumi.Resource.__init__

    def without(self: Any, kind: str, name: str, *args: Any, **others: Any) -> None:
        if name != left_out:
            made(self, kind, name, *args, **others)

    monkeypatch.setattr(pulumi.Resource, "__init__", without)
    text, registered = refused(within("prod", lambda: release(settings())))
    assert rule in text
    assert registered == []


def test_a_value_that_is_only_known_later_is_judged_before_its_step() -> None:
    image = "registry.internal/release-manager:v1"

    def body() -> None:
        async def later() -> str:
            return image

        release(settings(), image=pulumi.Output.from_input(later()))

    text, registered = refused(within("prod", body))
    assert "image-by-digest" in text
    assert image in text
    assert "this step and what follows were not begun" in text
    assert not [name for name in registered if name.startswith(("migration-", "rollout-stable", "rollout-canary"))]


def test_an_image_that_a_preview_does_not_know_passes_only_where_this_update_builds_it() -> None:
    def built() -> None:
        image = docker.Image("image-image", image_name="registry.internal/app:prod-abc1234", build_on_preview=False)
        release(settings(), image=image.repo_digest)

    declare(within("prod", built), preview=True)

    def from_elsewhere() -> None:
        secret = k8s.core.v1.Secret("elsewhere", metadata={"name": "s", "namespace": "production"})
        release(settings(), image=secret.type)

    text, _ = refused(within("prod", from_elsewhere), preview=True)
    assert "this update does not build" in text


def test_a_program_that_fails_in_between_registers_nothing_and_says_why() -> None:
    def body() -> None:
        release(settings())
        raise pulumi.RunError("no image")

    assert refused(within("prod", body)) == ("no image", [])

    def broken() -> None:
        release(settings())
        raise KeyError("a fault of the program's own")

    with pytest.raises(KeyError, match="a fault of the program's own"):
        declare(within("prod", broken))


def test_the_checklist_of_a_release_that_was_verified_and_serves_holds_nothing_up() -> None:
    """How it stands today, outside of the window say, is no news of a release that has begun and ended."""
    opened = item("window", state="missing")
    settled = declare(within("prod", lambda: release(settings(), inputs=opened), settled=True))
    assert settled.all("kubernetes:apps/v1:Deployment")


def test_everything_else_of_such_a_release_is_held_as_ever() -> None:
    wrong = settings(rollout__max_surge=3)
    text, registered = refused(within("prod", lambda: release(wanted=wrong), settled=True))
    assert "strategy-of-the-guide" in text
    assert registered == []


def test_a_checklist_that_is_open_holds_a_release_that_has_still_to_begin() -> None:
    opened = item("window", state="missing")
    text, registered = refused(within("prod", lambda: release(settings(), inputs=opened)))
    assert "checklist-11-window" in text
    assert registered == []


def test_what_is_declared_after_the_body_is_held_too() -> None:
    def program() -> None:
        with enforced("prod"):
            release(settings())
        k8s.core.v1.Service("late", metadata={"name": "late", "namespace": "elsewhere"})

    recorder = Recorder()
    with pytest.raises(pulumi.RunError, match="in-namespace"):
        declare(program, recorder=recorder)
    assert "late" not in [each.name for each in recorder.declared]


def test_a_stack_is_not_judged_more_mildly_than_what_it_is_called_after() -> None:
    """The recorder's stack is called staging: settings that say dev do not make it so."""
    text, registered = refused(within("dev", lambda: release(settings())))
    assert "keep this release from staging" in text
    assert "in-namespace" in text
    assert registered == []


def test_dev_holds_nothing_and_has_no_outline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    recorder = declare(within("dev", lambda: release(settings(rollout__max_surge=3))))
    assert not recorder.all(outline.OUTLINE)
    assert recorder.all("kubernetes:apps/v1:Deployment")


# The checklist, before anything is declared.


def items(inputs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = inputs["items"]
    return found


def test_a_complete_checklist_is_let() -> None:
    refuse_open(items(CHECKLIST), "prod")


def test_all_open_items_are_told_in_one_table_each_with_what_closes_it() -> None:
    wrong = copy.deepcopy(items(CHECKLIST))
    wrong["03-review"] |= {"state": "missing", "value": "nobody reviewed it", "closes": "ask ann for a review"}
    wrong["13-on-call"] |= {"state": "unknown", "value": "PagerDuty gives no answer", "closes": "try again"}
    del wrong["19-rollback"]
    with pytest.raises(pulumi.RunError) as caught:
        refuse_open(wrong, "prod")
    first, *table = str(caught.value).splitlines()
    assert first == "3 items of the checklist of prod are open; nothing was changed:"
    [review] = [line for line in table if "review" in line.split()[:2]]
    assert "missing: nobody reviewed it" in review
    assert review.endswith("ask ann for a review")
    assert any(line.startswith("13 on-call") and "PagerDuty gives no answer" in line for line in table)
    assert any(line.startswith("19 rollback") and "missing from the checklist" in line for line in table)


def test_one_open_item_holds_too() -> None:
    with pytest.raises(pulumi.RunError, match=r"^1 item of the checklist of prod is open;"):
        refuse_open(items(item("backup", state="expired")), "prod")


def test_each_waived_item_is_told_in_a_warning_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi, "warn", told.append)
    waived = items(item("backup", state="waived", value="ann: the store is being moved", until="2031-05-15"))
    waived |= {"18-logs": {**waived["18-logs"], "state": "waived", "value": "bob: no logs", "until": "2031-05-16"}}
    refuse_open(waived, "prod")
    one, other = told
    assert one.startswith("WAIVED: item 16, database backups are complete: ann: the store is being moved")
    assert one.endswith("(until 2031-05-15). This release goes to prod without it.")
    assert other.startswith("WAIVED: item 18, log aggregation works: bob: no logs (until 2031-05-16).")


def test_in_dev_the_checklist_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    refuse_open({}, "dev")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    with pytest.raises(pulumi.RunError, match="19 items of the checklist of prod are open"):
        refuse_open({}, "dev")
