# What continuous delivery runs, step by step: .github/workflows, .gitlab-ci.yml, docs/ci.md. `make` lists it with the rest.
# WORLD=own: the `pulumi` on PATH, the backend that PULUMI_BACKEND_URL names, and the stack files as they are; without it
# everything is that of the sandbox.
WORLD ?= sandbox
WORLD_FOUND = $(if $(filter own,$(WORLD)),,found=$$($(SANDBOX) environment --stack "$(STACK)" --context "$(CONTEXT)"); eval "$$found";)
DELIVERY = set -e; $(WORLD_FOUND) $(PYTHON) -m commands.delivery
# What a person writes reaches the shell as a variable, whatever signs it has; make hands on what its command line sets.
SAID = $(if $($(1)),--$(2) "$$$(1)")

.PHONY: which-stack sign-in preview-events preview-migration preview-report preview-comment preview-check \
	deploy save-plan verify-plan apply-plan take-approval record drift release lint-workflows

release: .venv/.ready ## Branch, tag and file of a release of STACK: MINUTES, ROLLBACK, BREAKING, ARCHITECTURE, CRITICAL, ANNOUNCEMENT, or asked for; PUSH=1
	@$(PYTHON) -m commands.delivery release --stack "$(STACK)" $(if $(PUSH),--push) \
		$(call SAID,MINUTES,minutes) $(call SAID,ROLLBACK,rollback) $(call SAID,BREAKING,breaking) \
		$(call SAID,ARCHITECTURE,architecture) $(call SAID,CRITICAL,critical) \
		$(call SAID,ANNOUNCEMENT,announcement) $(call SAID,STEPS,plan)

which-stack: .venv/.ready ## CI: which stack a push is for
	@$(PYTHON) -m commands.delivery which-stack

sign-in: .venv/.ready ## CI: sign in to the cluster of STACK as this job
	@$(PYTHON) -m commands.delivery sign-in --stack "$(STACK)"

preview-events: .venv/.ready ## The engine's events of a preview of STACK, kept in delivery/; UNTAGGED=1: without the tag to come
	@$(DELIVERY) preview-events --stack "$(STACK)" $(if $(UNTAGGED),--untagged)

preview-migration: .venv/.ready ## What migration-plan says of STACK, kept in delivery/
	@$(DELIVERY) preview-migration --stack "$(STACK)"

preview-report: .venv/.ready ## The text of the comment, of all that is kept in delivery/
	@$(PYTHON) -m commands.delivery preview-report

preview-comment: .venv/.ready ## CI: make that text the one comment on the pull request
	@$(PYTHON) -m commands.delivery preview-comment

preview-check: .venv/.ready ## Fail where a previewed change is at fault; open items of the checklist are none
	@$(PYTHON) -m commands.delivery preview-check

deploy: .venv/.ready ## Update STACK at once
	@$(DELIVERY) deploy --stack "$(STACK)"

save-plan: .venv/.ready ## A plan of the update of STACK, with the seal that is approved
	@$(DELIVERY) save-plan --stack "$(STACK)"

verify-plan: .venv/.ready ## Whether the plan for STACK is the approved one and still fits: PLAN=<sha256>
	@$(DELIVERY) verify-plan --stack "$(STACK)" --plan "$$PLAN"

apply-plan: .venv/.ready ## Update STACK by the approved plan, and by nothing else: PLAN=<sha256>
	@$(DELIVERY) apply-plan --stack "$(STACK)" --plan "$$PLAN"

take-approval: .venv/.ready ## CI: record who let this run into its environment as approval of STACK; MIGRATION=<sha256>
	@$(DELIVERY) take-approval --stack "$(STACK)" $(call SAID,MIGRATION,migration)

record: .venv/.ready ## Gather what is kept of the last release of STACK
	@$(DELIVERY) record --stack "$(STACK)"

drift: .venv/.ready ## CI: whether the cluster of STACK is as its last release left it; else an issue says so
	@$(DELIVERY) drift --stack "$(STACK)"

lint-workflows: .venv/.ready ## actionlint and zizmor over the workflows
	@$(PYTHON) -m sandbox.lint_workflows
