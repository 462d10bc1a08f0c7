# The commands of this project. `make` alone lists them.
SHELL := /bin/sh
STACK ?= dev
CONTEXT ?=
PYTHON := .venv/bin/python
SANDBOX = $(PYTHON) -m sandbox

.DEFAULT_GOAL := help
.PHONY: help up preview approve migration-plan rollback history checklist announce drill load watch-image dashboard-preview down status environment check test test-all faults bench bench-canary bench-evidence canary-picture mutants schema lock

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-18s %s\n", $$1, $$2}'

.venv/.ready: requirements.lock sandbox/python-environment
	@sh sandbox/python-environment

up: .venv/.ready ## Everything up, and the stack updated: STACK=dev|staging|prod, CONTEXT=<kube context>
	@$(SANDBOX) up --stack "$(STACK)" --context "$(CONTEXT)"

preview: .venv/.ready ## What an update of STACK would change
	@$(SANDBOX) preview --stack "$(STACK)" --context "$(CONTEXT)"

# In the environment of the sandbox, or of CONTEXT: what is laid over the stack file stands there.
COMMANDS = set -e; found=$$($(SANDBOX) environment --stack "$(STACK)" --context "$(CONTEXT)"); eval "$$found"; \
	$(PYTHON) -m commands

include delivery.mk

approve: .venv/.ready ## Approve for STACK: MIGRATION=<sha256> or RELEASE=<version>, BY=<name>; SIGN=<SSH key>: by a signed file
	@$(COMMANDS) approve --stack "$(STACK)" --by "$(BY)" \
		$(if $(MIGRATION),--migration "$(MIGRATION)") $(if $(RELEASE),--release "$(RELEASE)") $(if $(SIGN),--sign "$(SIGN)")

migration-plan: .venv/.ready ## The SQL of the pending migrations of STACK, linted and hashed, without an update
	@$(COMMANDS) migration-plan --stack "$(STACK)"

rollback: .venv/.ready ## Go back: STACK, to the last verified release before the one that serves, or TO=<version>
	@$(COMMANDS) rollback --stack "$(STACK)" $(if $(TO),--to "$(TO)") $(if $(BY),--by "$(BY)")

history: .venv/.ready ## The record of the releases of STACK; RELEASE=<number>: one of them, with each gate
	@$(COMMANDS) history --stack "$(STACK)" $(if $(RELEASE),--release "$(RELEASE)")

checklist: .venv/.ready ## How the items of the checklist of STACK stand for what is checked out, without an update
	@$(COMMANDS) checklist --stack "$(STACK)"

announce: .venv/.ready ## Tell the stakeholders in Slack when the release of STACK that is checked out goes out
	@$(COMMANDS) announce --stack "$(STACK)" $(if $(BY),--by "$(BY)")

drill: .venv/.ready ## Rehearse the rollback on STACK=staging: a release that is bad on purpose must be taken back
	@$(COMMANDS) drill --stack "$(STACK)" $(if $(BY),--by "$(BY)")

load: .venv/.ready ## Constant requests to STACK on the sandbox: RATE a second, for SECONDS
	@$(PYTHON) -m sandbox.load --stack "$(STACK)" $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS))

down: .venv/.ready ## Stop the sandbox; data and built tools stay on disk
	@$(SANDBOX) down

status: .venv/.ready ## What of the sandbox runs
	@$(SANDBOX) status

environment: .venv/.ready ## Variables to call pulumi by hand: eval "$$(make environment)"
	@$(SANDBOX) environment --stack "$(STACK)" --context "$(CONTEXT)"

watch-image: .venv/.ready ## Build and push the image of the watch's Job: the sandbox's, or IMAGE=<repository:tag> from HEAD, BASE_IMAGE=<its base>
ifeq ($(IMAGE),)
	@$(SANDBOX) watch-image
else
	@git archive HEAD checks cluster concerns notify watch \
		| docker build -f watch/Dockerfile $(if $(BASE_IMAGE),--build-arg BASE_IMAGE="$(BASE_IMAGE)") -t "$(IMAGE)" -
	@docker push "$(IMAGE)"
endif

dashboard-preview: .venv/.ready ## The dashboard of STACK from live data as dashboard.svg: PROMETHEUS=<address>, MINUTES
	@set -e; found=$$($(SANDBOX) environment --stack "$(STACK)" --context "$(CONTEXT)"); eval "$$found"; \
	$(PYTHON) -m commands.dashboard_preview --stack "$(STACK)" $(if $(PROMETHEUS),--prometheus "$(PROMETHEUS)") \
		$(if $(MINUTES),--minutes $(MINUTES))

check: .venv/.ready ## Lint, types, unit, component and policy tests: no root, cluster, Docker or CLI
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/shellcheck tests/*.sh sandbox/python-environment .ci/run
	@tests/types-and-tests.sh

test: check ## `make check`, then what a push has to hold on the sandbox
	@$(SANDBOX) prepare --stack dev
	@tests/on-the-sandbox.sh

test-all: check ## `make check`, then every test on the sandbox: the thorough ones take hours
	@$(SANDBOX) prepare --stack prod
	@tests/on-the-sandbox.sh all

faults: .venv/.ready ## Production's sandbox under load: bad releases, watches, killed runs, broken surroundings, adoption, a Gateway
	@$(SANDBOX) prepare --stack prod
	@.venv/bin/pytest -m "e2e and not alone" --durations=5 tests/e2e/test_prod_faults*.py tests/e2e/test_prod_adoption.py \
		tests/e2e/test_prod_gateway.py tests/e2e/test_prod_interrupted.py tests/e2e/test_prod_watch.py

bench: .venv/.ready ## Print how long things take; COLD=1: also from empty caches
	@$(PYTHON) -m bench $(if $(COLD),--cold)

bench-canary: .venv/.ready ## Print how soon a bad canary is found: on the sandbox under load, and in simulation
	@$(PYTHON) -m bench.canary

canary-picture: .venv/.ready ## Renew docs/canary.svg, the picture of how a step decides
	@$(PYTHON) -m bench.canary_picture

bench-evidence: .venv/.ready ## Print how long the evidence of STACK's checklist takes, and fail where that is more than 3 s
	@set -e; found=$$($(SANDBOX) environment --stack "$(STACK)" --context "$(CONTEXT)"); eval "$$found"; \
	$(PYTHON) -m bench.evidence --stack "$(STACK)"

mutants: .venv/.ready ## Mutation testing of the policy rules: lists changes that no test notices (5 to 10 minutes)
	@$(PYTHON) -m tests.policies.mutants

schema: .venv/.ready ## Renew Pulumi.schema.json, by which editors check the stack files, and docs/settings.md
	@$(PYTHON) -m commands.schema

lock: .venv/.ready ## Renew requirements.lock from pyproject.toml
	@.venv/bin/uv pip compile --quiet --upgrade --group sandbox --group dev --generate-hashes \
		--no-emit-index-url --no-header --python-version 3.11 -c sandbox/app/requirements.txt \
		pyproject.toml sandbox/app/requirements.in -o requirements.lock
