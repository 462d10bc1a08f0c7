"""The way of a change through continuous delivery: pull request, dev, staging, production by an approved plan.

Every step is one of the workflows' own, run in their order and conditions; the forge is stood in for by a local server.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.phases import Phases
from sandbox.up import NAMESPACES, OVERLAY, Up
from sandbox.update import Updater
from tests.e2e.actions import Event, Forge, Ran, Run
from tests.e2e.faults import REPLICAS, serving, settled
from tests.e2e.few_pods import scale
from tests.e2e.migrations import add, back_to_head, expands, revision_of
from tests.e2e.stack import BY, QUICK_CANARY, Stack
from tests.notify.forge.stand_in import TOKEN, ForgeStandIn, serve
from tests.workflows.test_workflows import WORKFLOWS

pytestmark = pytest.mark.thorough

RATE = 40
QUICK: dict[str, Any] = {"health": {"attempts": 2, "interval_seconds": 0.5}}
FILES = {file.stem: file for file in WORKFLOWS}
PROD = {"stack": "prod"}
# What a person knows of a release of staging; of production the fixture's checkout says it.
SAYS = 'MINUTES=5 ROLLBACK="make rollback STACK=staging" BREAKING=none ARCHITECTURE=none CRITICAL=no ANNOUNCEMENT=none'


@dataclass
class Delivery:
    """The repository of production's checkout, with the workflows that run on what is pushed to it."""

    prod: Stack
    forge: Forge
    stand_in: ForgeStandIn

    def commit(self) -> str:
        """Return the commit that is checked out."""
        return self.prod.git("rev-parse", "HEAD")

    def push(self, *, tag: str = "") -> Run:
        """Return the run of the deployment of what was pushed: a tag, or the branch main."""
        event = Event("tag", tag, self.commit()) if tag else Event("branch", "main", self.commit())
        return self.forge.begin(FILES["deploy"], event)

    def reviewed(self, environment: str) -> None:
        """Let the reviewer of an environment say yes."""
        review = {"state": "approved", "user": {"login": BY}, "environments": [{"name": environment}]}
        self.stand_in.reviews.append(review)

    def planned(self, tag: str) -> Run:
        """Return the run of a release of production with its plan made and not yet approved."""
        run = self.push(tag=tag)
        for job in ("which", "dev", "staging-approval", "staging", "prod-proposal"):
            run.job(job)
        self.reviewed("prod-approval")
        succeeds(run.job("prod-approval"))
        succeeds(run.job("prod-plan"))
        return run


def succeeds(ran: Ran) -> None:
    assert ran.result == "success", ran.text


def failed_at(ran: Ran) -> list[str]:
    """Return the steps of a job that failed."""
    assert ran.result == "failure", ran.text
    assert "Traceback" not in ran.text
    return [step for step, status in ran.steps if status != 0]


def last_error(ran: Ran) -> str:
    """Return the last line of a job that says what is wrong."""
    found: list[str] = re.findall(r"^error: (.*)$", ran.text, re.MULTILINE)
    return found[-1]


def make(stack: Stack, command: str) -> str:
    """Run a command of the Makefile in the checkout as a person would, and return what it printed."""
    identity = {"GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@localhost"}
    identity |= {"GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@localhost"}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=stack.checkout,
        env={**os.environ, **identity},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def variables(stack: Stack, name: str, overlay: Path | None = None) -> dict[str, str]:
    """Return what a runner for a stack has: the engine, its backend, and the settings of the sandbox."""
    runner = stack.runner if name == "prod" else Up(stack.world, Phases(), name).environment()
    if name != "prod":
        stack.world.kubectl.run("get", "namespace", NAMESPACES[name])
        Updater(runner, name).remove_stale_locks()
    brought = {**runner.variables, OVERLAY: str(overlay or runner.variables[OVERLAY])}
    clean = {key: text for key, text in os.environ.items() if not key.startswith(("GITHUB_", "CI_", "GITLAB_"))}
    return dict(runner.environment.over({**clean, **brought}))


def overlaid(file: Path, target: Path, settings: Mapping[str, Any]) -> Path:
    """Write the overlay with `settings` over it to `target`."""
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    for concern, changed in settings.items():
        values[concern] = {**values.get(concern, {}), **changed}
    target.write_text(yaml.safe_dump(values), encoding="utf-8")
    return target


@contextmanager
def changed_by_hand(stack: Stack) -> Iterator[None]:
    """Let something be changed in the cluster that no release has changed, while the body runs."""
    name, kubectl = f"poddisruptionbudget/{stack.deployment}", stack.world.kubectl
    spec = kubectl.get_json(name, namespace=stack.namespace)["spec"]
    before = spec["maxUnavailable"]

    def write(what: object) -> None:
        patch = json.dumps({"spec": {"maxUnavailable": what}})
        kubectl.run("patch", name, "--type=merge", "-p", patch, namespace=stack.namespace)

    write("37%")
    try:
        yield
    finally:
        write(before)


@pytest.fixture(scope="module")
def delivery(prod: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivery]:
    # Tests with few pods come before.
    scale(prod, REPLICAS)
    directory = tmp_path_factory.mktemp("forge")
    environment = {"dev": variables(prod, "dev"), "staging": variables(prod, "staging")}
    staging = overlaid(Path(environment["staging"][OVERLAY]), directory / "staging.yaml", QUICK)
    environment["staging"][OVERLAY] = str(staging)
    quick = Path(shutil.copy2(prod.overlay_with(QUICK_CANARY), directory / "prod.yaml"))
    environment["prod"] = variables(prod, "prod", quick)
    environment[""] = {key: text for key, text in environment["dev"].items() if key != OVERLAY}
    stand_in = ForgeStandIn()
    prod.git("push", "-q", "origin", "HEAD:main")
    with serve(stand_in) as api:
        origin = prod.checkout.parent / "origin.git"
        venv = (prod.checkout / ".venv").resolve()
        known = {"PULUMI_BACKEND_URL": prod.runner.environment.variables["PULUMI_BACKEND_URL"]}
        stack_file = prod.checkout / "Pulumi.prod.yaml"
        before = stack_file.read_text(encoding="utf-8")
        yield Delivery(prod, Forge(directory, origin, api, TOKEN, venv, environment, known), stand_in)
        stack_file.write_text(before, encoding="utf-8")
        back_to_head(prod)
    assert stand_in.wrong == []


@pytest.fixture
def signing_in(delivery: Delivery, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Let the jobs of previews have no kubeconfig: the forge vouches for them, and the cluster believes it."""
    kubectl, name = delivery.prod.world.kubectl, f"forge-{os.getpid()}"
    kubectl.run("create", "serviceaccount", name, "-n", "default")
    # What docs/ci.md says that an identity of previews needs.
    verbs, kinds = "--verb=get,list,create,delete", "--resource=nodes,jobs.batch"
    kubectl.run("create", "clusterrole", name, verbs, kinds)
    for role in ("view", name):
        bound = ("clusterrolebinding", f"{name}-{role}", f"--clusterrole={role}", f"--serviceaccount=default:{name}")
        kubectl.run("create", *bound)
    before = {stack: found.copy() for stack, found in delivery.forge.environment.items()}
    for stack in NAMESPACES:
        found = delivery.forge.environment[stack]
        place = {"cluster": {"kubeconfig": str(tmp_path / stack / "kubeconfig")}}
        found[OVERLAY] = str(overlaid(Path(found[OVERLAY]), tmp_path / f"{stack}.yaml", place))
    delivery.stand_in.id_token = kubectl.run("create", "token", name, "-n", "default").strip()
    config = yaml.safe_load(delivery.prod.world.paths.kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    authority = base64.b64decode(config["certificate-authority-data"]).decode()
    yield {"CLUSTER_SERVER": config["server"], "CLUSTER_AUTHORITY": authority}
    delivery.forge.environment.update(before)
    kubectl.run("delete", "clusterrolebinding", f"{name}-view", f"{name}-{name}")
    kubectl.run("delete", "clusterrole", name)
    kubectl.run("delete", "serviceaccount", name, "-n", "default")


def test_a_pull_request_gets_one_comment_with_what_it_would_change_in_each_stack(
    delivery: Delivery, signing_in: dict[str, str]
) -> None:
    """The jobs sign in by what the forge vouches for, and bring no kubeconfig of their own."""
    delivery.prod.git("switch", "-q", "-c", "change")
    delivery.prod.change_application()
    delivery.prod.git("commit", "-q", "-a", "-m", "feat: something new")
    delivery.prod.git("push", "-q", "origin", "change")
    event = Event("branch", "change", delivery.commit(), pull_request=7)
    run = delivery.forge.begin(FILES["preview"], event, signing_in)

    succeeds(run.job("preview"))
    succeeds(run.job("comment"))
    again = run.job("comment")

    succeeds(again)
    (comment,) = delivery.stand_in.comments
    text = comment["body"]
    assert text == (again.checkout / "delivery" / "comment.md").read_text(encoding="utf-8")
    for stack in NAMESPACES:
        assert "context 'release-manager-sandbox' of" in run.done["preview"].text
        assert f"## {stack}" in text
    assert "10 %" in text
    assert delivery.commit()[:7] in text


def test_what_is_merged_goes_to_dev_at_once(delivery: Delivery) -> None:
    prod = delivery.prod
    prod.git("switch", "-q", "main")
    prod.git("merge", "-q", "--no-ff", "-m", "Merge pull request 7", "change")
    prod.git("push", "-q", "origin", "main")

    run = delivery.push()

    skipped = dict.fromkeys(["staging-approval", "staging", "prod-proposal", "prod-approval", "prod-plan", "prod"])
    assert run.all() == {"which": "success", "dev": "success", **dict.fromkeys(skipped, "skipped")}
    assert "verified" in (run.artifact("record-dev") / "history.txt").read_text(encoding="utf-8").splitlines()[3]


def test_a_tag_of_staging_goes_there_once_somebody_let_it(delivery: Delivery) -> None:
    checkout = delivery.prod.checkout
    made = make(delivery.prod, f"make release STACK=staging PUSH=1 {SAYS}")
    version = delivery.prod.git("describe", "--exact-match", "HEAD")
    run = delivery.push(tag=version)
    run.job("which")

    refused = run.job("staging-approval")
    delivery.reviewed("staging-approval")

    assert failed_at(refused) == ["make take-approval STACK=staging"]
    assert "was approved by nobody for environment 'staging-approval'" in last_error(refused)
    assert f"releases/{version}.md" in made
    assert (checkout / "releases" / f"{version}.md").exists()
    succeeds(run.job("staging-approval"))
    succeeds(run.job("staging"))
    assert version in (run.artifact("record-staging") / "history.txt").read_text(encoding="utf-8")


def test_production_is_what_was_planned_and_approved_and_no_other_plan_is_applied(delivery: Delivery) -> None:
    prod, before = delivery.prod, settled(delivery.prod)
    add(prod, "0006", expands("owner", "Text"))
    version = prod.release()
    run = delivery.planned(version)
    sha256 = run.outputs["prod-proposal"]["migration"]
    assert re.fullmatch("[0-9a-f]{64}", sha256), run.done["prod-proposal"].text
    plan = run.artifact("plan-prod") / "plan.json"
    approved = plan.read_text(encoding="utf-8")
    assert run.outputs["prod-plan"]["plan"] in run.done["prod-plan"].summary

    plan.write_text(re.sub(r'"replicas": ?9', '"replicas": 1', approved), encoding="utf-8")
    tampered = run.job("prod")
    assert failed_at(tampered) == ["make verify-plan STACK=prod"]
    assert "the plan for prod must not be applied; nothing was changed" in last_error(tampered)
    assert "plan.json was changed after it was made" in tampered.text
    assert serving(prod) == before

    plan.write_text(approved, encoding="utf-8")
    with prod.load(RATE):
        applied = run.job("prod")
    succeeds(applied)
    assert "prod is updated as planned" in applied.text
    assert (settled(prod).version, revision_of(prod)) == (version, "0006")
    record = run.artifact("record-prod")
    assert json.loads((record / "verification.json").read_text(encoding="utf-8"))["outcome"] == "verified"

    stale = run.job("prod")
    assert failed_at(stale) == ["make verify-plan STACK=prod"]
    assert "it is stale: the stack was updated since it was made" in stale.text


def test_drift_is_one_issue_that_is_closed_when_it_is_gone(delivery: Delivery) -> None:
    event = Event("branch", "main", delivery.commit())
    with changed_by_hand(delivery.prod):
        found = delivery.forge.begin(FILES["drift"], event).job("drift", PROD)
    gone = delivery.forge.begin(FILES["drift"], event).job("drift", PROD)

    assert failed_at(found) == ["make drift"]
    succeeds(gone)
    (issue,) = delivery.stand_in.issues
    assert (issue["state"], issue["labels"]) == ("closed", ["drift", "prod"])
    assert "rollout-disruptions" in issue["body"]


def test_a_bad_release_is_taken_back_and_the_run_fails_with_why(delivery: Delivery) -> None:
    prod, before = delivery.prod, settled(delivery.prod)
    file = prod.checkout / "Pulumi.prod.yaml"
    line = "    credentials: release-manager-credentials\n"
    bad = f'{line}    environment:\n      FAULT_ERROR_RATE: "1"\n'
    file.write_text(file.read_text(encoding="utf-8").replace(line, bad), encoding="utf-8")
    prod.git("commit", "-q", "-a", "-m", "fix: looks harmless")
    prod.git("push", "-q", "origin", "main")
    succeeds(delivery.push().job("which"))
    run = delivery.planned(prod.release())

    with changed_by_hand(prod):
        drifted = run.job("prod")
    assert failed_at(drifted) == ["make apply-plan STACK=prod"]
    assert "the plan no longer fits" in last_error(drifted)
    assert "nothing was changed" in last_error(drifted)

    with prod.load(RATE):
        taken_back = run.job("prod")
    assert failed_at(taken_back) == ["make apply-plan STACK=prod"]
    assert "was taken back in production at step 10 %: FAIL" in last_error(taken_back)
    assert settled(prod) == before
    record = (run.artifact("record-prod") / "history.txt").read_text(encoding="utf-8")
    assert "step 10 %: FAIL" in record
