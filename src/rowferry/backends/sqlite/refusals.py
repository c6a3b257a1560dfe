"""Why SQLite refuses a row, as far as its errors and its schema tell, and which triggers act on a table."""

import re
import sqlite3
from collections.abc import Sequence
from functools import cached_property

from rowferry.backends.refusals import Event, Refusal
from rowferry.backends.sqlite.foreign_keys import ForeignKey, unknown_references
from rowferry.backends.sqlite.types import quoted
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ForeignKeyBroken

_INDEXES = """
SELECT l.name, l.origin FROM pragma_index_list(?1, 'main') l WHERE l."unique" AND
  (SELECT json_group_array(name) FROM (SELECT name FROM pragma_index_info(l.name, 'main') ORDER BY seqno)) = ?2
"""
"""The unique indexes of a table over some columns; of origin `c` are those that have a name of their own."""

_TRIGGERS = """
SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?) ORDER BY rowid
"""

_FOLLOWING = """
SELECT DISTINCT f."from" || ' ON UPDATE ' || f.on_update
FROM pragma_foreign_key_list(?, 'main') f LEFT JOIN pragma_table_info(f."table", 'main') p
  ON p.pk AND lower(p.name) = lower(coalesce(f."to", p.name))
WHERE f.on_update NOT IN ('NO ACTION', 'RESTRICT') AND p.name IS NULL
"""
"""The columns that change when the rows change that they refer to, by other columns than the key."""

_SCHEMA = "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND lower(name) = lower(?)"

_EVENT = re.compile(r"\b(INSERT|UPDATE|DELETE)\b(?:\s+OF\b.*?)?\s+ON\b", re.IGNORECASE | re.DOTALL)

_LEAVES_OUT = re.compile(r"RAISE\s*\(\s*IGNORE|INSTEAD\s+OF", re.IGNORECASE)

_OF_ROWS = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_ERROR)
"""What a row may lead to. A statement that fails without rows does so for another reason."""

_OF_STATEMENT = re.compile(r"no such |has no column named")
"""What SQLite says of a statement that names what is not there, whatever its rows."""

_NAME = r"""(?:"((?:[^"]|"")+)"|(\w+))"""


class SqliteRefusals:
    """Judges the errors that rows of a table lead to."""

    def __init__(self, driver: sqlite3.Connection, rules: TableRules) -> None:
        self._driver = driver
        self._rules = rules

    def refusal(self, error: sqlite3.Error | ForeignKeyBroken) -> Refusal | None:
        """Why a row is refused; None if it is not for the row, or if the rule is one that the judge knows."""
        if isinstance(error, ForeignKeyBroken):
            return self._of_reference(error)
        code, message = error.sqlite_errorcode, str(error)
        if code & 0xFF not in _OF_ROWS or (code == sqlite3.SQLITE_ERROR and _OF_STATEMENT.search(message)):
            return None
        columns = self._own_columns(message)
        if code in (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID) and columns:
            return None
        if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            return None if self._is_known_key(columns) else self._of_unique(columns, message, error)
        column = columns[0] if len(columns) == 1 else None
        return Refusal(self._rule(code, message), message, column, error)

    def left_out(self, event: Event) -> Refusal | None:
        """What may have left a row out without a word, if anything."""
        acting = self._acting(event)
        names = [name for name, sql in acting if _LEAVES_OUT.search(sql)] or [name for name, _ in acting]
        return Refusal(names[0], f"a trigger ({', '.join(names)}) skips it") if names else None

    def acting(self) -> list[str]:
        """The names of all that acts on rows: triggers, and foreign keys that follow other rows."""
        following = self._driver.execute(_FOLLOWING, (self._rules.name,))
        return [*(name for name, _ in self._triggers), *(name for (name,) in following)]

    def require_parents(self, rows: str, parameters: Sequence[object] = ()) -> None:
        """Raise ForeignKeyBroken if some rows refer to nothing by what the model has not, also where this may wait.

        What they leave out takes its default, which is left to the database.
        """
        given = {name.lower() for name in self._rules.names}
        for reference in self._unknown:
            if not all(ours.lower() in given for ours, _ in reference.pairs):
                continue
            refers = " AND ".join(f"s.{quoted(ours)} IS NOT NULL" for ours, _ in reference.pairs)
            same = " AND ".join(f"p.{quoted(theirs)} = s.{quoted(ours)}" for ours, theirs in reference.pairs)
            find = f"SELECT 1 FROM main.{quoted(reference.parent)} p WHERE {same}"
            ask = f"SELECT EXISTS (SELECT 1 FROM {rows} s WHERE {refers} AND NOT EXISTS ({find}))"
            if self._driver.execute(ask, parameters).fetchone()[0]:
                raise ForeignKeyBroken(reason=f"{self._rules.name} ({reference.in_words})")

    def _of_reference(self, error: ForeignKeyBroken) -> Refusal:
        if len(self._unknown) != 1:
            return Refusal("foreign_key", f"a foreign key of {error.details['reason']} is broken", None, error)
        (reference,) = self._unknown
        targets = ", ".join(theirs for _, theirs in reference.pairs)
        message = f"{reference.columns} does not refer to any row of {reference.parent} ({targets})"
        return Refusal(
            self._name_of(reference) or "foreign_key",
            message,
            reference.columns if len(reference.pairs) == 1 else None,
            error,
        )

    def _of_unique(self, columns: list[str], message: str, error: sqlite3.Error) -> Refusal:
        _, is_index, name = message.partition("index '")
        if is_index:
            return Refusal(name.removesuffix("'"), message, None, error)
        spelled = "[" + ",".join(f'"{column}"' for column in columns) + "]"
        found = self._driver.execute(_INDEXES, (self._rules.name, spelled)).fetchall()
        names = [name for name, origin in found if origin == "c"]
        return Refusal(names[0] if names else "unique", message, columns[0] if len(columns) == 1 else None, error)

    def _rule(self, code: int, message: str) -> str:
        if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
            return "not_null"
        if code == sqlite3.SQLITE_CONSTRAINT_CHECK:
            name = message.removeprefix("CHECK constraint failed: ")
            return name if name in self._names else "check"
        if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
            acting = [(name, sql.replace("''", "'")) for name, sql in self._triggers]
            named = [name for name, sql in acting if message in sql] or [name for name, _ in acting]
            return named[0] if named else "trigger"
        return "type"

    def _is_known_key(self, columns: list[str]) -> bool:
        keys = ({name.lower() for name in key} for key in self._rules.candidate_keys)
        return bool(columns) and {column.lower() for column in columns} in list(keys)

    def _own_columns(self, message: str) -> list[str]:
        """The columns of the table that an error tells of, as in `NOT NULL constraint failed: jobs.job`."""
        columns = message.partition("failed: ")[2].split(", ")
        prefix = f"{self._rules.name}.".lower()
        return [column[len(prefix) :] for column in columns if column.lower().startswith(prefix)]

    def _acting(self, event: Event) -> list[tuple[str, str]]:
        found = ((name, sql, _EVENT.search(sql)) for name, sql in self._triggers)
        return [(name, sql) for name, sql, of in found if of is None or of[1].upper() == event]

    @cached_property
    def _triggers(self) -> list[tuple[str, str]]:
        return self._driver.execute(_TRIGGERS, (self._rules.name,)).fetchall()

    @cached_property
    def _schema(self) -> str:
        found = self._driver.execute(_SCHEMA, (self._rules.name,)).fetchone()
        return found[0] if found else ""

    @cached_property
    def _names(self) -> set[str]:
        """The names that the table's declaration gives to constraints."""
        found = re.findall(rf"\bCONSTRAINT\s+{_NAME}", self._schema, re.IGNORECASE)
        return {plain or quoted.replace('""', '"') for quoted, plain in found}

    def _name_of(self, reference: ForeignKey) -> str | None:
        """The name of a foreign key, if its declaration has one."""
        parent = rf"REFERENCES\s+[\"`\[]?{re.escape(reference.parent)}\b"
        of_table = rf"(?:FOREIGN\s+KEY\s*\([^()]*\)\s*)?{parent}"
        found = re.search(rf"\bCONSTRAINT\s+{_NAME}\s+{of_table}", self._schema, re.IGNORECASE)
        return (found[2] or found[1].replace('""', '"')) if found else None

    @cached_property
    def _unknown(self) -> list[ForeignKey]:
        """The foreign keys that the model has not."""
        return unknown_references(self._driver, self._rules)
