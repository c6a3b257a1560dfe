"""What refers to a table of SQLite, and how it is found when the table's rows go or change."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import groupby

from rowferry.backends.sqlite.types import quoted
from rowferry.dictionary.rules import TableRules

_WORTH_AN_INDEX = 100
"""From this many rows on, looking for what refers to them is worth an index of its own."""

_REFERRING = """
SELECT m.name, f.id, f.on_update = 'CASCADE', f."from", coalesce(f."to", p.name)
FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f
LEFT JOIN pragma_table_info(f."table", 'main') p ON p.pk = f.seq + 1
WHERE m.type = 'table' AND lower(f."table") = lower(?) ORDER BY m.rowid, f.id, f.seq
"""
"""What refers to a table: table, number of the foreign key, whether it follows, its columns, and what they refer to."""

_INDEXED = """
SELECT EXISTS (SELECT 1 FROM pragma_index_list(?, 'main') l JOIN pragma_index_info(l.name, 'main') i
               WHERE i.seqno = 0 AND i.name = ? AND NOT l.partial)
"""


def referring_keys(driver: sqlite3.Connection, rules: TableRules) -> Iterator[tuple[str, bool, list[str], list[str]]]:
    """What refers to a table: another one, whether it follows, its columns, and the columns that they refer to."""
    found = driver.execute(_REFERRING, (rules.name,)).fetchall()
    spelled = {name.lower(): name for name in rules.names}
    for (child, _, follows), pairs in groupby(found, key=lambda row: row[:3]):
        *_, ours, theirs = zip(*pairs, strict=True)
        yield child, bool(follows), list(ours), [spelled.get((name or "").lower(), name) for name in theirs]


@contextmanager
def referring_columns_indexed(
    driver: sqlite3.Connection, rules: TableRules, rows: int, changing: Collection[str] = ()
) -> Iterator[None]:
    """Let SQLite find what refers to so many rows that go without a look at the whole table for each, if they are many.

    If rows are only `changing` in some columns, it looks for what refers to these.
    """
    made: list[str] = []
    for child, _, ours, theirs in referring_keys(driver, rules) if rows >= _WORTH_AN_INDEX else ():
        is_met = not changing or not set(changing).isdisjoint(theirs)
        if is_met and not driver.execute(_INDEXED, (child, ours[0])).fetchone()[0]:
            made.append(f"main.{quoted(f'rowferry_referring_{len(made)}')}")
            driver.execute(f"CREATE INDEX {made[-1]} ON {quoted(child)} ({', '.join(map(quoted, ours))})")
    yield
    for name in made:
        driver.execute(f"DROP INDEX {name}")
