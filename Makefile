# System V4. `make` alone lists what can be made.
JOBS ?= 2
# The environment is up to date when the file named after the checksum of all it depends on is there.
KEY := $(shell { cat pyproject.toml requirements.lock .ci/install; echo "$(CURDIR) $(PYTHON)"; } | cksum | cut -d ' ' -f 1)
APP := .venv/app-$(KEY)
ALL := .venv/all-$(KEY)

.PHONY: help dashboard serve lab test env bench lock clean

help: ## what can be made
	@echo "System V4"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{printf "%-18s %s\n", $$1, $$2}'
	@echo "PORT= (another port), PYTHON= (3.11 to 3.13), UV=no (install with pip alone), ARGS= and JOBS=2 (for pytest)"
	@echo "TOOLKIT_SOURCE=auto|hub|sample|FOLDER says where the candles come from (README.md)"

dashboard: $(APP) ## serve the dashboard on http://127.0.0.1:8866/
	@exec .venv/bin/toolkit dashboard --port $(or $(PORT),8866)

serve: $(APP) ## serve REST and WebSocket on http://127.0.0.1:8000/
	@exec .venv/bin/toolkit serve --port $(or $(PORT),8000)

lab: $(APP) ## open the notebooks in JupyterLab
	@exec .venv/bin/jupyter lab --ip 127.0.0.1 $$([ "$$(id -u)" != 0 ] || echo --allow-root) notebooks/dashboard.ipynb

test: $(ALL) ## lint, types, and every test: unit, property, doctest, notebooks, browser
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -n $(JOBS) $(ARGS)

env: $(ALL) ## set .venv up, with what the tests need

bench: $(ALL) ## the quick benchmarks, each beside its peers
	.venv/bin/python benchmarks/core.py --quick
	.venv/bin/python benchmarks/data.py --quick
	.venv/bin/python benchmarks/browser.py --quick
	.venv/bin/python benchmarks/pages.py --quick

lock: $(ALL) ## resolve the dependencies of pyproject.toml anew
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python .ci/lock

clean: ## remove .venv and what the tools leave behind
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(APP):
	@.ci/install app
	@rm -f .venv/app-* .venv/all-* && touch $@

$(ALL):
	@.ci/install all
	@rm -f .venv/app-* .venv/all-* && touch $@ $(APP)
