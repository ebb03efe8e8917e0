# Two commands matter: `make demo` shows the product, `make test` proves it. Both set up what they need.
.PHONY: demo test check lint bench run pictures lock clean
PY := .venv/bin/python
HOLDFAST := .venv/bin/holdfast
DEMO_HOME ?= demo-home
BENCH_SIZES ?= 10000 100000 1000000

demo: product
	@$(PY) scripts/demo.py $(DEMO_HOME)

# everything: style, types, floors, and all tests, quick and slow; three at once on two cores, as many of them wait for servers
test: lint
	$(PY) -m pytest -n 3 --dist worksteal

# the quick tests, for every change
check: setup
	$(PY) -m pytest -n 2 --dist worksteal -m "not slow"

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache

bench: setup
	$(PY) -m bench $(BENCH_SIZES)
	$(PY) -m bench.web
	$(PY) -m bench.events
	$(PY) -m bench.features

# any command of the product: make run ARGS="nrr --by plan"
run: product
	@$(HOLDFAST) $(ARGS)

# screenshots of every page on the demo company, in docs/pictures
pictures: setup
	$(PY) scripts/pictures.py $(DEMO_HOME)

lock:
	python3 scripts/lock.py

clean:
	rm -rf .venv .tools demo-home bench-home

.PHONY: setup product
setup:
	@scripts/setup.sh

# without tools, tests and benchmarks
product:
	@scripts/setup.sh --no-dev
