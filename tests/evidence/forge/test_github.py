"""GitHub is asked read only, and whatever it answers that is no answer is told as such, never taken for "none"."""

from __future__ import annotations

import httpx
import pytest

from concerns.secrets import ENCRYPTED_ELSEWHERE
from evidence.forge.forge import EnvironmentApproval, ForgeError, UnknownCommitError
from evidence.forge.github import GitHub
from tests.evidence.forge.github_stand_in import (
    REPOSITORY,
    TOKEN,
    WEB,
    GitHubStandIn,
    approved,
    check,
    forge_settings,
    judged,
    pull,
)

SHA = "a" * 40


def test_each_request_reads_with_the_token_and_the_version_of_the_api() -> None:
    github = GitHubStandIn({SHA}, [check("unit")])
    assert [run.name for run in github.forge().check_runs(SHA)] == ["unit"]
    request = github.asked[0]
    assert request.method == "GET"
    assert str(request.url).startswith(f"https://api.github.com/repos/{REPOSITORY}/commits/{SHA}/check-runs?")
    assert request.url.params["filter"] == "latest"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_without_a_token_none_is_sent() -> None:
    github = GitHubStandIn({SHA})
    github.forge(forge_settings(token=None)).check_runs(SHA)
    assert "Authorization" not in github.asked[0].headers


def test_a_token_that_is_encrypted_is_not_sent_as_it_stands() -> None:
    encrypted = forge_settings(token=ENCRYPTED_ELSEWHERE)
    github = GitHubStandIn({SHA}, fails={"check-runs": httpx.Response(404, json={})})
    with pytest.raises(ForgeError, match=r"does not tell it here; see that pulumi config works, or set GITHUB_TOKEN"):
        github.forge(encrypted).check_runs(SHA)
    assert "Authorization" not in github.asked[0].headers
    with pytest.raises(ForgeError, match=r"see that checklist\.forge\.repository"):
        github.forge(encrypted, token="another").check_runs(SHA)
    assert github.asked[1].headers["Authorization"] == "Bearer another"


def test_the_token_of_the_settings_is_used_where_it_is_known() -> None:
    github = GitHubStandIn({SHA})
    github.forge(token="another").check_runs(SHA)
    assert github.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_check_has_its_conclusion_or_how_far_it_is() -> None:
    github = GitHubStandIn({SHA}, [check("unit"), check("e2e", "failure"), check("slow", "in_progress")])
    found = {run.name: run.outcome for run in github.forge().check_runs(SHA)}
    assert found == {"unit": "success", "e2e": "failure", "slow": "in_progress"}


def test_all_pages_are_read() -> None:
    github = GitHubStandIn({SHA}, [check(f"check {number}") for number in range(150)])
    assert len(github.forge().check_runs(SHA)) == 150
    assert [request.url.params["page"] for request in github.asked] == ["1", "2"]


def test_more_than_can_be_read_is_no_answer() -> None:
    github = GitHubStandIn({SHA}, [check("unit")] * 501)
    with pytest.raises(ForgeError, match="more than 500 entries"):
        github.forge().check_runs(SHA)
    assert len(github.asked) == 5


def test_a_pull_request_of_an_account_that_is_gone_has_no_author() -> None:
    github = GitHubStandIn({SHA}, pulls=[pull(author=None, labels=[{"name": "critical"}], merged_at=None)])
    found = github.forge().pull_requests(SHA)[0]
    assert (found.author, found.labels, found.merged, found.base) == ("", ("critical",), False, "main")


def test_comments_are_no_judgement() -> None:
    github = GitHubStandIn(reviews=[judged("ana", "COMMENTED"), judged("cy", "PENDING"), judged("dee")])
    assert [(each.by, each.outcome) for each in github.forge().reviews(12)] == [("dee", "approved")]


def test_only_an_approval_of_that_environment_counts() -> None:
    runs = {
        5: [approved("ana", "staging"), approved("cy", state="rejected")],
        4: [approved("dee")],
    }
    github = GitHubStandIn(runs=runs)
    found = github.forge().environment_approvals(SHA, "production")
    assert found == [EnvironmentApproval("dee", f"{WEB}/actions/runs/4")]
    assert github.asked[0].url.params["head_sha"] == SHA


def test_only_the_runs_of_the_workflow_that_is_named_are_looked_at() -> None:
    github = GitHubStandIn(runs={4: [approved("dee")]})
    github.forge(forge_settings(workflow="release.yml")).environment_approvals(SHA, "production")
    assert github.asked[0].url.path == f"/repos/{REPOSITORY}/actions/workflows/release.yml/runs"


def test_the_author_of_a_commit_may_be_nobody_on_github() -> None:
    assert GitHubStandIn({SHA}).forge().author(SHA) == "ben"
    assert GitHubStandIn({SHA}, author=None).forge().author(SHA) == ""


@pytest.mark.parametrize("status", [422, 409])
def test_a_commit_that_it_does_not_have_is_told_apart_from_everything_else(status: int) -> None:
    github = GitHubStandIn(fails={"commits/": httpx.Response(status, json={"message": "No commit found"})})
    with pytest.raises(UnknownCommitError, match="does not have the commit; push it"):
        github.forge().check_runs(SHA)


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (httpx.ConnectTimeout(f"secret {TOKEN}"), r"gives no answer \(ConnectTimeout\); see that https://api.github"),
        (httpx.Response(401, json={}), r"shows nothing at repos/.* \(401\); see that checklist.forge.repository"),
        (httpx.Response(404, json={}), r"\(404\)"),
        (httpx.Response(403, json={}, headers={"X-RateLimit-Remaining": "0"}), r"rate limit.*checklist.forge.token"),
        (httpx.Response(429, json={}), "rate limit"),
        (httpx.Response(301, headers={"Location": "https://elsewhere.example/"}), r"has moved \(301\)"),
        (httpx.Response(502), "with 502; run the same command again"),
        (httpx.Response(200, content=b"<html>"), "in a way that GitHub does not"),
        (httpx.Response(200, json={"check_runs": [{"name": 1}]}), "in a way that GitHub does not"),
        (httpx.Response(200, json={"total_count": 0}), "in a way that GitHub does not"),
    ],
)
def test_what_is_no_answer_is_told_with_its_mend_and_without_the_token(
    failure: httpx.Response | Exception, text: str
) -> None:
    github = GitHubStandIn({SHA}, fails={"check-runs": failure})
    with pytest.raises(ForgeError, match=text) as caught:
        github.forge().check_runs(SHA)
    assert TOKEN not in str(caught.value)
    assert not isinstance(caught.value, UnknownCommitError)
    assert len(github.asked) == 1, "a redirect is not followed, and nothing is tried again"


def test_the_pages_for_people_are_those_of_the_web_not_of_the_api() -> None:
    with GitHubStandIn().forge() as forge:
        assert forge.page(SHA) == f"{WEB}/commit/{SHA}"
        assert forge.page(SHA, "releases/v1.md") == f"{WEB}/blob/{SHA}/releases/v1.md"
    own = forge_settings(api="https://git.internal/api/v3")
    with GitHub(own, timeout_seconds=1) as forge:
        assert forge.page(SHA) == f"https://git.internal/{REPOSITORY}/commit/{SHA}"
