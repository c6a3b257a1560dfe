#!/usr/bin/env bash
# SQLite 3.54.1, as apsw 3.54.1.0 brings it; a deferred foreign key, and no index on the column that refers.
# Guess: to insert a parent costs the same whether or not some other row still refers to nothing: the new key is looked
#   up in the table of parents only, and the documentation asks for an index on children for deletes and updates.
# Seen: as long as one reference of the transaction is open, each parent that is inserted reads all children; 2,000
#   parents beside 2,000 children take 460 times as many steps, and the number grows with the product of both.
#   none open: 26,000 steps
#   one open: 12,036,000 steps
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import apsw

ROWS, STEPS = 2_000, 100


def steps_of_parents(open_references):
    database = apsw.Connection(":memory:")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
    database.execute("CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)")
    database.execute("INSERT INTO parents VALUES (0)")
    database.execute("BEGIN")
    database.executemany("INSERT INTO children VALUES (?)", [(0,)] * ROWS + [(ROWS,)] * open_references)
    counted = 0

    def count():
        nonlocal counted
        counted += 1
        return False

    database.set_progress_handler(count, STEPS)
    database.executemany("INSERT INTO parents VALUES (?)", [(number,) for number in range(1, ROWS + 1)])
    database.execute("COMMIT")
    return counted


none, some = steps_of_parents(0), steps_of_parents(1)
print(f"SQLite {apsw.sqlite_lib_version()}: {none * STEPS:,} steps with none open, {some * STEPS:,} with one")
sys.exit(not some > 100 * max(none, 1))
PYTHON
