#!/usr/bin/env bash
# SQLAlchemy 2.1.9 with the sqlite3 of Python, whose expressions may be 1,000 levels deep.
# Guess: SQLite, to which `a AND b AND c` is `(a AND b) AND c`, refuses 1,500 conditions one after the other; a balanced
#   tree of them, and_(and_(first half), and_(second half)) and so on, is 11 levels deep and passes, all the more where
#   each half is put into parentheses by self_group() or Grouping.
# Seen: a conjunction becomes a part of the one around it, and parentheses around it are dropped, whoever asked for them;
#   only those around the whole stay. But for these, all three are spelled the same, and are refused: "Expression tree
#   is too large (maximum depth 1000)". The same tree as text passes, and so does one of CASE WHEN left THEN right.
#   one after the other: 0 parentheses, refused
#   balanced: 0 parentheses, refused
#   balanced, each half grouped: 2 parentheses, refused
#   balanced by CASE: passes
#   balanced as text: passes
# Exits with 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlalchemy==2.1.9
"$folder/venv/bin/python" - <<'PYTHON'
import sqlite3
import sys

from sqlalchemy import and_, case, column, false, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import Grouping

names = [f"c{at}" for at in range(1_500)]
database = sqlite3.connect(":memory:")
database.execute(f"CREATE TABLE wide ({', '.join(names)})")


def tree(join, leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return join(tree(join, leaves[:half]), tree(join, leaves[half:]))


def passes(condition):
    try:
        database.execute(f"SELECT 1 FROM wide WHERE {condition}")
    except sqlite3.OperationalError as error:
        if "Expression tree is too large" not in str(error):
            raise
        return False
    return True


def spelled(condition):
    query = select(column("x")).where(condition)
    text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    return str(text).partition("WHERE ")[2]


leaves = [column(name) == 1 for name in names]
flat = {
    "one after the other": spelled(and_(*leaves)),
    "balanced": spelled(tree(and_, leaves)),
    "balanced, each half grouped": spelled(tree(lambda left, right: Grouping(and_(left, right).self_group()), leaves)),
}
for case_name, condition in flat.items():
    print(f"{case_name}: {condition.count('(')} parentheses, {'passes' if passes(condition) else 'refused'}")
by_case = passes(spelled(tree(lambda left, right: case((left, right), else_=false()) == 1, leaves)))
as_text = passes(tree("({} AND {})".format, [f"{name} = 1" for name in names]))
print(f"balanced by CASE: {'passes' if by_case else 'refused'}")
print(f"balanced as text: {'passes' if as_text else 'refused'}")
same = len({condition.strip("()") for condition in flat.values()}) == 1 and not any(map(passes, flat.values()))
sys.exit(not (same and by_case and as_text and "(" not in flat["balanced"]))
PYTHON
