"""A Job passes only when it is complete, and fails with its exit code and its last log lines."""

from __future__ import annotations

from typing import Any

import pytest

from checks.job import judge_job
from checks.verdict import Kind, Verdict
from tests.checks.fake_reader import FakeReader
from tests.recorded import JOB, Json, container, job, job_condition, job_pod, running, terminated, waiting

POD = f"{JOB}-q8wzn"
FAILED = job_condition("Failed", "BackoffLimitExceeded")


def judge(found: Json | None, *pods: Json, **fields: Any) -> Verdict:
    return judge_job(FakeReader(the_job=found, the_pods=list(pods), **fields), JOB)


def test_a_complete_job_passes() -> None:
    assert judge(job(job_condition("Complete"))).kind is Kind.PASS


def test_a_condition_that_is_not_true_says_nothing() -> None:
    assert judge(job(job_condition("Complete", status="False"), active=1)).kind is Kind.TOO_FEW


def test_a_job_that_does_not_exist_is_no_data() -> None:
    assert judge(None).kind is Kind.NO_DATA


def test_a_running_job_is_too_few() -> None:
    verdict = judge(job(active=1), job_pod(container(running(), ready=True), ready=True))
    assert (verdict.kind, verdict.reason) == (Kind.TOO_FEW, f"Job {JOB} runs")


@pytest.mark.parametrize("kind", ["Failed", "FailureTarget"])
def test_a_failed_job_names_exit_code_and_last_log_lines(kind: str) -> None:
    lines = [f"line {number}" for number in range(20)]
    verdict = judge(
        job(job_condition(kind, "BackoffLimitExceeded"), failed=1),
        job_pod(container(terminated(2)), phase="Failed"),
        the_logs={(POD, False): lines},
    )
    assert verdict.kind is Kind.FAIL
    assert verdict.reason == f"Job {JOB} failed: pod {POD} crashed with exit code 2"
    assert verdict.details == tuple(lines[-10:])


def test_a_job_past_its_deadline_says_so() -> None:
    verdict = judge(job(job_condition("Failed", "DeadlineExceeded"), failed=1))
    assert verdict.kind is Kind.FAIL
    assert "not done in time" in verdict.reason


def test_a_failed_job_whose_pods_are_gone_still_fails() -> None:
    verdict = judge(job(FAILED, failed=1))
    assert verdict.reason == f"Job {JOB} failed: 1 of its pods ended with an error (BackoffLimitExceeded)"


def test_the_image_of_a_job_that_is_missing_fails_at_once() -> None:
    missing = container(waiting("ImagePullBackOff", "manifest unknown"))
    verdict = judge(job(active=1), job_pod(missing, phase="Pending"))
    assert verdict.kind is Kind.FAIL
    assert "is not in the registry" in verdict.reason


def test_while_it_waits_it_says_what_for() -> None:
    hiccup = container(waiting("ErrImagePull", "i/o timeout"))
    verdict = judge(job(active=1), job_pod(hiccup, phase="Pending"))
    assert verdict.kind is Kind.TOO_FEW
    assert "cannot be pulled: i/o timeout" in verdict.reason


def test_a_pod_of_an_earlier_job_of_the_same_name_is_not_judged() -> None:
    earlier = job_pod(container(terminated(137, "OOMKilled")), phase="Failed", uid="uid-of-the-job-before")
    assert judge(job(active=1), earlier).kind is Kind.TOO_FEW


def test_a_log_that_cannot_be_read_does_not_hide_the_failure() -> None:
    verdict = judge(job(FAILED, failed=1), job_pod(container(terminated(2)), phase="Failed"), logs_away=True)
    assert verdict.kind is Kind.FAIL
    assert "exit code 2" in verdict.reason


def test_a_cluster_that_gives_no_answer_is_neither_good_nor_bad() -> None:
    assert judge(job(FAILED), away=True).kind is Kind.UNREACHABLE
