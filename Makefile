# To get started, you need only make run and make test.
.DEFAULT_GOAL := help
.PHONY: help run test test-engine test-browser check format walkthrough lock clean package policies deploy destroy admin replay restore growth bench

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
BASE_URL ?= http://127.0.0.1:$(PORT)
# Tests run in parallel, with one process per CPU core. Set TESTS to run only some of them.
TESTS ?= tests
STAGE ?= dev

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(VENV)/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tenantry needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@touch $@

run: $(VENV)/installed ## run Tenantry on this machine, with demo data
	@PORT=$(PORT) $(BIN)/python -m infra.local.run

test: $(VENV)/installed ## run the tests
	$(BIN)/python -m pytest -n auto $(TESTS)

test-engine: $(VENV)/installed ## run the concurrency tests on DynamoDB Local (Java 17, npm)
	$(BIN)/python -m pytest -n 0 -m engine tests/engine

test-browser: $(VENV)/installed node_modules/axe-core ## check every page in a browser (Chromium, npm)
	$(BIN)/python -m pytest -n 0 -m browser tests/browser

node_modules/axe-core:
	npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --silent axe-core@4.14.1

check: $(VENV)/installed ## check style, formatting, types, wording, and commit subjects
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m infra.words
	$(BIN)/python -m infra.commits

format: $(VENV)/installed ## format the code and apply automatic fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package: $(VENV)/installed ## build the deployment package into build/STAGE (dev, staging, prod)
	@$(BIN)/python -m infra.deployment.package $(STAGE)

policies: $(VENV)/installed ## generate the functions' IAM policies from the AWS calls of a full test run
	-$(BIN)/python -m pytest -n auto --ignore tests/deployment $(TESTS)
	@$(BIN)/python -m infra.deployment.policies

deploy: package ## deploy STAGE after showing the changes and asking for confirmation (needs BUCKET)
	@$(BIN)/python -m infra.deployment.deploy $(STAGE) --bucket "$(BUCKET)" --parameters $(PARAMETERS)

admin: $(VENV)/installed ## create the first super admin of a deployed STAGE (EMAIL, NAME)
	@$(BIN)/python -m infra.first_admin "$(EMAIL)" "$(STAGE)" $(if $(NAME),"$(NAME)")

replay: $(VENV)/installed ## replay the failed events of a deployed STAGE
	@$(BIN)/python -m infra.replay $(STAGE)

restore: $(VENV)/installed ## restore rows in a damaged table (STAGE, TABLE, ONLY, OVERWRITE=yes)
	@$(BIN)/python -m infra.restore $(STAGE) "$(TABLE)" $(if $(ONLY),--only "$(ONLY)") $(if $(filter yes,$(OVERWRITE)),--overwrite)

bench: $(VENV)/installed ## measure sign-in times and how much reconciliation reads
	@$(BIN)/python -m infra.bench.sign_in
	@$(BIN)/python -m infra.bench.reconciliation

growth: $(VENV)/installed ## measure the cost of each operation as data grows (Java 17, npm)
	@$(BIN)/python -m infra.bench.growth

destroy: $(VENV)/installed ## delete STAGE's stack (refused for prod)
	@$(BIN)/python -m infra.deployment.destroy $(STAGE)

walkthrough: $(VENV)/installed ## run the steps in the reseller management guide against a running service (BASE_URL)
	@$(BIN)/python -m infra.local.walkthrough $(BASE_URL)

lock: $(VENV)/installed ## update the pinned requirements
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## remove the virtual environment, builds, and caches
	rm -rf $(VENV) build .mypy_cache .ruff_cache .hypothesis .dynamodb-local
