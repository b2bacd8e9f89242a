# make try    the bot on embedded defaults in a local Slack (KNOWLEDGE=path for your own articles)
# make test   lint, types, import contracts, tests
# make fuzz   the property tests on other examples each time
# make real-ollama  a real Ollama 0.9.3 for make proof (x86-64 Linux, 0.6 GB in ~/.cache)
# make proof  crashes, disk faults and power cuts by the thousand (Linux; best as root)
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
KNOWLEDGE ?= knowledge
BIN := .venv/bin
# One more than there are cores: tests wait for processes and sockets, too.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

.PHONY: try test fuzz proof real-ollama setup lint lock clean

try: setup
	@exec $(BIN)/clockify-bot try --knowledge "$(KNOWLEDGE)"

test: setup lint
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile

fuzz: setup
	$(BIN)/pytest -m hypothesis --hypothesis-profile=default

# Those that wait or only compute run beside the others; both summaries are shown.
proof: setup
	@mkdir -p .pytest_cache; \
	$(BIN)/pytest -m 'proof and beside' --numprocesses 2 --dist loadfile > .pytest_cache/beside.log 2>&1 & beside=$$!; \
	$(BIN)/pytest -m 'proof and not beside'; others=$$?; \
	wait $$beside; besides=$$?; cat .pytest_cache/beside.log; exit $$((others | besides))

real-ollama: setup
	$(BIN)/python -m tests.real_ollama

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/.done

# The stamp is written last, so an interrupted set-up starts over.
.venv/.done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "clockify-bot needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

# Renew the lock file (needs uv): every version with hashes, no index addresses.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock pyproject.toml

clean:
	rm -rf .venv .clockify-bot
