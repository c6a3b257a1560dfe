"""What a table of SQLite has beyond its model, which others made: columns, foreign keys, triggers, conflict clauses."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter

from rowferry.backends.sqlite.foreign_keys import unknown_references
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ForeignKeyBroken, ViewWithoutKey

_REFERRED = """
SELECT coalesce(f."to", p.name) FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f
LEFT JOIN pragma_table_info(f."table", 'main') p ON p.pk = f.seq + 1
WHERE m.type = 'table' AND lower(f."table") = lower(?)
"""
"""The columns of a table that others refer to."""

_UNIQUE = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?, 'main') WHERE \"unique\" AND origin <> 'pk')"

_UNIQUE_COLUMNS = """
SELECT l.name, x.name FROM pragma_index_list(:table, 'main') l JOIN pragma_index_xinfo(l.name, 'main') x
WHERE l."unique" AND NOT l.partial AND x.key
UNION ALL SELECT '', name FROM pragma_table_info(:table, 'main') WHERE pk
"""
"""Of each unique index of a table, and of its key, the columns; null stands for an expression."""

_TRIGGERS = "SELECT EXISTS (SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?))"

_COLUMNS = "SELECT name, pk FROM pragma_table_info(?, 'main')"
"""All but those which are generated."""

_SORT = "SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'"

_RESOLVES = """
SELECT EXISTS (SELECT 1 FROM main.sqlite_master
               WHERE type = 'table' AND lower(name) = lower(?) AND sql LIKE '%on%conflict%')
"""


def checks_more(driver: sqlite3.Connection, rules: TableRules) -> bool:
    """Whether SQLite has more to check than the references of the model, or to do, when rows come in or change.

    A key never changes: who refers to it alone is not met.
    """
    referred = {(name or "").lower() for (name,) in driver.execute(_REFERRED, (rules.name,))}
    unknown = unknown_references(driver, rules) or referred - {name.lower() for name in rules.key}
    return bool(unknown or driver.execute(_TRIGGERS, (rules.name,)).fetchone()[0])


def defer_references(driver: sqlite3.Connection, rules: TableRules) -> None:
    """Let SQLite check references at the end of the transaction if rows may refer to rows that come later."""
    if rules.circular:
        driver.execute("PRAGMA defer_foreign_keys = ON")


@contextmanager
def foreign_keys_told(
    driver: sqlite3.Connection, rules: TableRules, require_parents: Callable[[], None]
) -> Iterator[None]:
    """Raise ForeignKeyBroken where SQLite refuses a row for one, unless `require_parents` knows of another reason."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise
        require_parents()
        unknown = ", ".join(found.in_words for found in unknown_references(driver, rules))
        reason = unknown or "something that its triggers write, or that refers to it"
        raise ForeignKeyBroken(reason=f"{rules.name} ({reason})") from error


def has_unique_values(driver: sqlite3.Connection, rules: TableRules) -> bool:
    """Whether values are unique beside the key."""
    return bool(driver.execute(_UNIQUE, (rules.name,)).fetchone()[0])


def has_distinct_keys(driver: sqlite3.Connection, rules: TableRules) -> bool:
    """Whether columns of the key alone are unique, by an index or as the number of a row."""
    found: dict[str, set[str]] = {}
    for index, name in driver.execute(_UNIQUE_COLUMNS, {"table": rules.name}):
        found.setdefault(index, set()).add((name or "").lower())
    key = {name.lower() for name in rules.key}
    return any(columns <= key for columns in found.values())


def may_rewrite(driver: sqlite3.Connection, rules: TableRules) -> bool:
    """Whether a row may be removed and inserted anew: nothing of it is lost, refers to it or acts upon it."""
    acts = driver.execute(_TRIGGERS, (rules.name,)).fetchone()[0]
    known = {name.lower() for name in rules.names}
    is_whole = rules.is_whole and all(name.lower() in known for name, _ in driver.execute(_COLUMNS, (rules.name,)))
    return is_whole and not acts and not driver.execute(_REFERRED, (rules.name,)).fetchone()


def place_of(driver: sqlite3.Connection, rules: TableRules) -> tuple[str, ...]:
    """The columns that tell where a row of a table lies: its number, or the key that it has instead of one.

    Raises:
        ViewWithoutKey: Its rows lie elsewhere.
    """
    sort, has_no_numbers = driver.execute(_SORT, (rules.name,)).fetchone()
    if sort == "view":
        raise ViewWithoutKey(table=rules.name)
    columns = driver.execute(_COLUMNS, (rules.name,)).fetchall()
    if has_no_numbers:
        return tuple(name for name, at in sorted(columns, key=itemgetter(1)) if at)
    names = {name.lower() for name, _ in columns}
    return next(((name,) for name in ("rowid", "_rowid_", "oid") if name not in names), ("rowid",))


def or_abort(driver: sqlite3.Connection, table: str) -> str:
    """What makes INSERT and UPDATE fail at a constraint whose own clause would let rows vanish in silence.

    It goes for what triggers insert, too, and is left out where they are all that would feel it.
    """
    resolves = driver.execute(_RESOLVES, (table,)).fetchone()[0]
    return "OR ABORT" if resolves else ""
