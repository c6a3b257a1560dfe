#!/usr/bin/env bash
# pyarrow 26.0.1 on Python 3.11 and later, in an environment without python-dateutil (pyarrow does not require it).
# Guess: pa.scalar("x"), or a plain value among the arguments of a compute function, costs about what it costs with its
#   type: a text or an integer has nothing to do with dates.
# Seen: whenever the type of any value is inferred, `import dateutil` is tried again. A failed import is not remembered,
#   so each call goes through all finders and folders of sys.path: tens of times as long as with the type. With
#   python-dateutil installed, or with pa.scalar("x", pa.string()), nothing is looked for.
#   text: dateutil is looked for 100 times in 100 calls
#   integer: dateutil is looked for 100 times in 100 calls
#   text among the arguments of pc.equal: dateutil is looked for 100 times in 100 calls
#   text with its type: dateutil is looked for 0 times in 100 calls
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pyarrow as pa
import pyarrow.compute as pc

looked_for = []


class Finder:
    def find_spec(self, name, path=None, target=None):
        looked_for.append(name)


def times(work):
    work()
    looked_for.clear()
    for _ in range(100):
        work()
    return looked_for.count("dateutil")


sys.meta_path.insert(0, Finder())
column = pa.array(["x", "y"], pa.string())
found = {
    "text": times(lambda: pa.scalar("x")),
    "integer": times(lambda: pa.scalar(1)),
    "text among the arguments of pc.equal": times(lambda: pc.equal(column, "x")),
    "text with its type": times(lambda: pa.scalar("x", pa.string())),
}
for case, count in found.items():
    print(f"{case}: dateutil is looked for {count} times in 100 calls")
sys.exit(list(found.values()) != [100, 100, 100, 0])
PYTHON
