"""The workflows do nothing that a person cannot do by `make`, with no more rights than they need, and never half."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [file.stem for file in WORKFLOWS]
ACTION = ROOT / ".github" / "actions" / "prepare" / "action.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
MAKE = re.compile(r"make ([a-z-]+)( [A-Z]+=[a-z]+)*")
# A permission that lets a job change something, or speak as somebody, and which jobs may have it.
MAY = {
    "id-token": {
        "preview/preview",
        "drift/drift",
        "deploy/dev",
        "deploy/staging-approval",
        "deploy/staging",
        "deploy/prod-proposal",
        "deploy/prod-approval",
        "deploy/prod-plan",
        "deploy/prod",
    },
    "pull-requests": {"preview/comment"},
    "issues": {"drift/drift"},
}
NOT_FROM_A_FORK = "github.event.pull_request.head.repo.full_name == github.repository"


def load(file: Path) -> Json:
    # "on" is a word of YAML for true.
    found: Json = yaml.safe_load(re.sub(r"^on:", "'on':", file.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return found


def jobs() -> Iterator[tuple[str, Json]]:
    for file in WORKFLOWS:
        for name, job in load(file)["jobs"].items():
            yield f"{file.stem}/{name}", job


def commands() -> Iterator[str]:
    for _, job in jobs():
        yield from (step["run"] for step in job["steps"] if "run" in step)
    yield from (step["run"] for step in load(ACTION)["runs"]["steps"] if "run" in step)
    for job in load(GITLAB).values():
        if isinstance(job, dict):
            yield from job.get("script", [])


def uses() -> Iterator[str]:
    for file in [*WORKFLOWS, ACTION]:
        yield from re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))


def needed(name: str, known: Json) -> set[str]:
    """Return all jobs that end before the job begins."""
    direct = known[name].get("needs", [])
    found = {direct} if isinstance(direct, str) else set(direct)
    return found.union(*(needed(each, known) for each in found))


def told() -> Iterator[str]:
    """Yield the commands of the papers on CI."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    yield from (f"make {target}" for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("command", sorted({*commands(), *told()}))
def test_each_step_is_one_target_of_make_that_there_is(command: str) -> None:
    found = MAKE.fullmatch(command)
    assert found is not None, command
    done = subprocess.run(
        ["make", "--dry-run", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_action_is_pinned_by_its_commit_with_its_version_beside_it() -> None:
    used = list(uses())
    assert used
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in used if each != "./.github/actions/prepare" and not pinned.fullmatch(each)] == []


def test_an_action_has_one_version_everywhere() -> None:
    pins = {(each.partition("@")[0], each) for each in uses()}
    assert len(pins) == len({name for name, _ in pins})


def test_the_engine_is_of_the_version_of_the_sdk() -> None:
    (wanted,) = [step["with"]["pulumi-version"] for step in load(ACTION)["runs"]["steps"] if "pulumi" in step["uses"]]
    assert wanted == version("pulumi")


@pytest.mark.parametrize("file", WORKFLOWS, ids=NAMES)
def test_a_workflow_has_no_rights_of_its_own(file: Path) -> None:
    assert load(file)["permissions"] == {}


def test_each_job_has_the_rights_that_it_needs_and_no_others() -> None:
    for name, job in jobs():
        rights = job["permissions"]
        assert rights.pop("contents") == "read", name
        for right, level in rights.items():
            assert level in {"read", "write"}
            assert level == "read" or name in MAY[right], f"{name} may write {right}"


def test_nothing_is_cancelled_half_way() -> None:
    held = [(file.stem, load(file)["concurrency"]) for file in WORKFLOWS]
    held += [(name, job["concurrency"]) for name, job in jobs() if "concurrency" in job]
    assert {name for name, each in held if each["cancel-in-progress"] is not False} == set()
    assert load(GITLAB)["default"]["interruptible"] is False


def test_one_release_at_a_time_for_each_stack() -> None:
    groups = {name: job["concurrency"]["group"] for name, job in jobs() if "concurrency" in job}
    changing = {
        name: job
        for name, job in jobs()
        if any(re.match(r"make (deploy|apply-plan)\b", step.get("run", "")) for step in job["steps"])
    }
    assert set(changing) == {"deploy/dev", "deploy/staging", "deploy/prod"}
    assert {name: groups[name] for name in changing} == {name: f"release-{name[7:]}" for name in changing}


def test_each_job_has_an_end() -> None:
    assert [name for name, job in jobs() if "timeout-minutes" not in job] == []


def test_a_fork_gets_no_identity_no_environment_and_no_secret() -> None:
    for name, job in jobs():
        if not name.startswith("preview/") or NOT_FROM_A_FORK in str(job.get("if", "")):
            continue
        assert (name, job["permissions"], "environment" in job) == ("preview/unit", {"contents": "read"}, False)
        assert "token" not in str(job["steps"])
        assert "vars." not in str(job)
    unit = load(GITLAB)["unit"]
    assert set(unit) == {"stage", "script"}


def test_no_workflow_runs_with_the_rights_of_main_on_what_a_stranger_wrote() -> None:
    triggers = {trigger for file in WORKFLOWS for trigger in load(file)["on"]}
    assert triggers == {"pull_request", "push", "schedule", "workflow_dispatch"}


def test_no_long_lived_key_is_used() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in [*WORKFLOWS, ACTION])
    assert "secrets." not in text


def test_no_step_leaves_the_token_behind() -> None:
    checkouts = [step for _, job in jobs() for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert checkouts
    assert [step for step in checkouts if step["with"].get("persist-credentials") is not False] == []


def test_production_is_updated_only_by_the_plan_that_was_approved() -> None:
    known = load(ROOT / ".github/workflows/deploy.yml")["jobs"]
    assert needed("prod", known) == {"which", "prod-proposal", "prod-approval", "prod-plan"}
    runs = [step["run"] for step in known["prod"]["steps"] if "run" in step]
    assert runs == [f"make {name} STACK=prod" for name in ("sign-in", "verify-plan", "apply-plan", "record")]
    assert known["prod"]["environment"] == "prod"
    assert known["prod"]["env"]["PLAN"] == "${{ needs.prod-plan.outputs.plan }}"
    assert known["prod-approval"]["environment"] == "prod-approval"


def test_staging_is_updated_only_once_it_is_approved() -> None:
    known = load(ROOT / ".github/workflows/deploy.yml")["jobs"]
    assert needed("staging", known) == {"which", "staging-approval"}
    assert known["staging-approval"]["environment"] == "staging-approval"


def test_the_record_of_each_release_is_kept_also_where_it_failed() -> None:
    known = load(ROOT / ".github/workflows/deploy.yml")["jobs"]
    for name in ("dev", "staging", "prod"):
        *_, gathering, keeping = known[name]["steps"]
        assert gathering["run"] == f"make record STACK={name}"
        assert keeping["with"]["path"] == f"delivery/{name}/record"
        assert {gathering["if"], keeping["if"]} == {"${{ !cancelled() }}"}


def test_the_comment_is_posted_before_it_is_judged_and_also_where_a_preview_failed() -> None:
    known = load(ROOT / ".github/workflows/preview.yml")["jobs"]["comment"]
    runs = [step["run"] for step in known["steps"] if "run" in step]
    assert runs == ["make preview-report", "make preview-comment", "make preview-check"]
    assert "!cancelled()" in known["if"]
    assert load(GITLAB)["comment"]["script"] == runs
