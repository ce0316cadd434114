# demo and test are the two commands a newcomer needs, quick is test's short loop; each makes .venv first, when it has to.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test quick soak bench bench-full format
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	$(BIN)/python -m infrastructure.cli.demo

# Types are checked beside the tests, which leave a core idle now and then; what is wrong with them is said last. Three
# at a time keep two cores busy: tests of processes and servers wait about as long as they work.
test: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy >.venv/types & types=$$!; \
	  $(BIN)/python -m pytest -n 3 --dist worksteal; tested=$$?; \
	  wait $$types; typed=$$?; cat .venv/types; test $$tested = 0 && test $$typed = 0

# The rules of the house and of the trade, in under a minute: what to run after every change.
quick: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/domain tests/test_architecture.py

# Ten minutes of the service under load, with anything killed at any moment (`make soak MINUTES=60` for longer), and a
# simulated year of bills in twelve zones, simulated worlds in which everything fails (OPERATIONS=1000000 takes hours), and
# PostgreSQL under Patroni whose primary is lost five times.
MINUTES ?= 10
OPERATIONS ?= 10000
soak: $(INSTALLED)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)
	$(BIN)/python -m tests.faults.year
	nice -n 10 $(BIN)/imagestudio simulate-faults --operations $(OPERATIONS)
	$(BIN)/python -m tests.faults.failover

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

bench-full: $(INSTALLED)
	$(BIN)/python -m benchmarks --full

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Rebuilt whenever the dependencies change; otherwise nothing here needs a network.
$(INSTALLED): pyproject.toml workshop/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Image Studio needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[dev]' --editable ./workshop
	$(BIN)/python -m imagestudio_workshop.fetching
	@touch $@
