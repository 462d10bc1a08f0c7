"""Which test runs each command that the papers name, and why some are run by none."""

from __future__ import annotations

_DEV = "tests/e2e/test_dev_papers.py"
_RELEASE, _STAGING = "tests/e2e/test_dev_release.py", "tests/e2e/test_staging_release.py"
_PROD, _BY_HAND = "tests/e2e/test_prod_release.py", "tests/e2e/test_prod_by_hand.py"
_DELIVERY = "tests/commands/delivery"

# By the target of make, with the variables that make another command of it (STACK, BY and what only a person knows do
# not): the file of the test, its name, and what of the command stands in it.
RUN_BY: dict[str, tuple[str, str, str]] = {
    "up": (_DEV, "updated", "make up"),
    "up CONTEXT REPOSITORY": (
        "tests/sandbox/test_up.py",
        "test_an_existing_cluster_takes_the_kubeconfig_of_the_environment",
        "REPOSITORY",
    ),
    "preview": (_DEV, "test_a_command_answers", "make preview STACK=dev"),
    "history": (
        _BY_HAND,
        "test_the_history_tells_each_release_its_gates_and_who_went_back",
        'command("history")',
    ),
    "history RELEASE": (_BY_HAND, "test_the_history_tells_each_release_its_gates_and_who_went_back", "--release"),
    "checklist": (
        _PROD,
        "test_what_cannot_be_proven_stops_a_release_with_all_of_it_in_one_table",
        'command("checklist"',
    ),
    "status": (_DEV, "test_a_command_answers", "make status"),
    "load RATE SECONDS": (_DEV, "test_a_command_answers", "make load STACK=dev RATE=10 SECONDS=2"),
    "migration-plan": (
        "tests/e2e/test_staging_migration.py",
        "test_unapproved_sql_stops_with_nothing_changed_and_the_same_command_applies_it_once_approved",
        'command("migration-plan"',
    ),
    "environment": (_DEV, "test_pulumi_can_be_called_by_hand", "make -s"),
    "approve RELEASE": (
        _STAGING,
        "test_an_approved_release_is_verified_over_tls_with_its_smoke_tests_and_the_tag_as_version",
        'approve("--release"',
    ),
    "approve MIGRATION": (
        _PROD,
        "test_unapproved_sql_stops_the_release_and_approved_it_goes_on_in_steps_and_loses_no_request",
        'approve("--migration"',
    ),
    "rollback": (
        _BY_HAND,
        "test_make_rollback_goes_back_whole_and_the_previews_after_it_are_true",
        'command("rollback"',
    ),
    "rollback TO": (
        "tests/commands/test_rollback.py",
        "test_a_named_release_is_gone_back_to_even_one_that_was_left",
        'run("v0")',
    ),
    "drill": (
        _STAGING,
        "test_a_drill_is_taken_back_and_leaves_the_proof_that_the_checklist_asks_for",
        'command("drill"',
    ),
    "announce": (
        "tests/commands/test_announce.py",
        "test_everybody_reads_what_when_where_and_for_how_long_and_it_is_kept",
        "announced(",
    ),
    "dashboard-preview": (_DEV, "test_a_command_answers", "make dashboard-preview STACK=dev"),
    "down": (
        "tests/e2e/test_sandbox_lifecycle.py",
        "test_down_leaves_nothing_and_up_goes_on_with_what_was_there",
        'sandbox("down")',
    ),
    "release": ("tests/commands/test_release.py", "test_nothing_is_pushed_unless_it_is_asked_for", "make(checkout)"),
    "release PUSH": ("tests/commands/test_release.py", "test_a_release_is_what_production_asks_for", "push=True"),
    "schema": (
        "tests/concerns/test_reference.py",
        "test_the_page_is_that_of_the_models_and_the_stack_files",
        "reference()",
    ),
    "canary-picture": ("tests/bench/test_canary_picture.py", "test_the_file_is_as_it_is_drawn", "picture()"),
    "watch-image": (_DEV, "test_a_command_answers", "make watch-image"),
    "lint-workflows": (_DEV, "test_a_command_answers", "make lint-workflows"),
    "preview-events UNTAGGED": (
        f"{_DELIVERY}/test_preview.py",
        "test_a_pull_request_is_previewed_without_the_tag_that_it_will_get_later",
        "untagged=True",
    ),
    "preview-migration": (
        f"{_DELIVERY}/test_preview.py",
        "test_the_sql_is_kept_and_its_hash_handed_on",
        "migration_text(",
    ),
    "preview-report": (
        f"{_DELIVERY}/test_preview.py",
        "test_the_comment_has_the_stacks_in_the_order_of_a_release",
        "report(",
    ),
    "preview-check": (
        f"{_DELIVERY}/test_preview.py",
        "test_open_items_keep_no_change_from_being_merged_and_broken_policies_do",
        "check(",
    ),
    "deploy": (f"{_DELIVERY}/test_plan.py", "test_an_update_without_a_plan_has_the_policies", ".deploy("),
    "save-plan": (
        f"{_DELIVERY}/test_plan.py",
        "test_a_plan_is_made_with_the_policies_and_what_is_approved_is_told",
        "planned(",
    ),
    "apply-plan": (f"{_DELIVERY}/test_plan.py", "test_the_approved_plan_is_applied_and_nothing_else", ".apply_plan("),
    "take-approval": (f"{_DELIVERY}/test_approval.py", "test_the_approval_is_of_this_release_and_of_its_sql", "take("),
    "sign-in": (
        f"{_DELIVERY}/test_sign_in.py",
        "test_the_kubeconfig_names_the_cluster_and_asks_for_a_token_each_time",
        "sign_in(",
    ),
    "drift": (f"{_DELIVERY}/test_drift.py", "test_what_was_changed_by_hand_is_in_one_issue", "differs("),
}
# Which variables make another command of a target.
TELLING = {"CONTEXT", "REPOSITORY", "RELEASE", "MIGRATION", "TO", "PUSH", "UNTAGGED", "RATE", "SECONDS"}
# Targets that no test runs.
NOT_RUN = {
    "check": "it runs the tests",
    "test": "it runs the tests",
    "test-all": "it runs the tests",
    "faults": "it runs the tests that it names",
    "bench": "it prints how long the machine takes",
    "bench-canary": "it prints how long the machine takes; tests/bench has its parts",
    "bench-evidence": "it prints how long the evidence takes; tests/evidence has its parts",
    "mutants": "it runs the tests of the rules some two thousand times",
}
# What a program of others is asked, by its first words.
OTHERS_RUN_BY: dict[str, tuple[str, str]] = {
    "kubectl": (_DEV, "test_what_the_papers_ask_of_kubectl_it_answers"),
    "curl": (_DEV, "test_what_the_papers_ask_of_curl_it_answers"),
    "pulumi preview": (_DEV, "test_pulumi_can_be_called_by_hand"),
    "pulumi up": (
        _RELEASE,
        "test_up_ends_with_the_deployed_version_serving_and_up_again_changes_nothing",
    ),
    "pulumi": (_DEV, "test_pulumi_has_every_option_that_the_papers_give_it"),
    "git": ("tests/papers/test_commands.py", "test_the_commands_of_git_that_make_releases_make_them"),
}
