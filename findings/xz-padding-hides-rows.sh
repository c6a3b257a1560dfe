#!/usr/bin/env bash
# pandas 2.3.3, through the lzma module of Python 3.11 and later, on a valid .xz file.
# Guess: an .xz file of two streams with padding between them, which the format allows (zeros, a multiple of four bytes)
#   and xz itself reads, gives the rows of both, as it does without the padding.
# Seen: reading ends at the padding without an error; the rows of the second stream are gone.
#   without padding: 2 rows
#   with padding: 1 row
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==2.3.3
"$folder/venv/bin/python" - <<'PYTHON'
import io
import lzma
import sys

import pandas as pd

first, second = lzma.compress(b"id,name\n1,one\n"), lzma.compress(b"2,two\n")
found = {}
for case, padding in (("without", b""), ("with", bytes(4))):
    rows = pd.read_csv(io.BytesIO(first + padding + second), compression="xz")
    found[case] = len(rows)
    print(f"{case} padding: {len(rows)} row{'s' * (len(rows) != 1)}")
sys.exit(found != {"without": 2, "with": 1})
PYTHON
