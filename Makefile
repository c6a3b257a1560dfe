.PHONY: all check test format bench torture serve demo docs

all: check test

# Format, lint, types, import contracts, generated documentation.
check:
	uv run ruff format --check .
	uv run ruff check .
	uv run mypy
	uv run lint-imports
	uv run python tests/docs/reference.py --check

test:
	uv run pytest

format:
	uv run ruff format .
	uv run ruff check --fix .

# Writes docs/reference from the code.
docs:
	uv run python tests/docs/reference.py

# The same work done by Rowferry and by its peers, as ratios of one run; takes about a quarter of an hour.
bench:
	uv run python -m bench

# The long form of what the test suite does in short: a million rows of every fault against the oracle.
torture:
	ROWFERRY_TORTURE_ROWS=1000000 uv run pytest tests/contract/test_against_oracle.py --timeout 3000

serve:
	uv run rowferry serve

demo:
	uv run rowferry demo
