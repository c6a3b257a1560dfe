"""How PostgreSQL keeps the texts of a table: as labels of an enumeration, or by a collation.

No text becomes a label unasked, neither where it is compared nor where it is put in; and texts of two columns that have
collations of their own are not compared unless it is said by which.
"""

from typing import NamedTuple

from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Table

from rowferry.backends.postgresql.plan import DIALECT
from rowferry.backends.postgresql.table import Statements, spelled
from rowferry.kinds.kind import Kind
from rowferry.kinds.padded_texts import PADDED_TEXT
from rowferry.kinds.registry import kind_of

_TEXTS = """
SELECT a.attname::text, t.typtype = 'e', CASE WHEN t.typtype = 'e' THEN ARRAY[s.nspname::text, t.typname::text]
  ELSE ARRAY[n.nspname::text, c.collname::text] END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace s ON s.oid = t.typnamespace
LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE a.attrelid = %(table)s::regclass AND a.attname = ANY(%(names)s)
"""


class _Text(NamedTuple):
    """How a column keeps texts: whether as labels, and the enumeration or collation, by schema and name."""

    is_enumeration: bool
    by: list[str]


_NO_TEXT = _Text(is_enumeration=False, by=[])


class Texts:
    """The columns of a table that the model says are texts; the database is asked once, if there are any."""

    def __init__(self, transaction: Statements, table: Table) -> None:
        self._transaction, self._table = transaction, table
        self._found: dict[str, _Text] | None = None

    def enumeration(self, column: str) -> Composable | None:
        """The type of a column that is an enumeration."""
        found = self._of(column)
        return Identifier(*found.by) if found.is_enumeration else None

    def compared(self, column: str) -> Composable:
        """A column as it may be compared with texts. One of labels has no more rows than labels, if it is a key."""
        name = Identifier(column)
        return SQL("CAST({} AS text)").format(name) if self.enumeration(column) else name

    def as_here(self, text: Composable, column: str) -> Composable:
        """A text of another table as it may be compared with `compared`; anything else stays what it is."""
        found = self._of(column)
        if found is _NO_TEXT:
            return text
        as_text = SQL("CAST({} AS text)").format(text)
        return as_text if found.is_enumeration else SQL("{} COLLATE {}").format(as_text, Identifier(*found.by))

    def read(self, column: str, table: str | None = None) -> Composable:
        """A column as it is read by itself: PostgreSQL fills some texts up with blanks."""
        name = Identifier(*filter(None, (table, column)))
        return SQL("CAST({} AS text)").format(name) if self._kind(column) is PADDED_TEXT else name

    def _kind(self, column: str) -> Kind:
        return kind_of(self._table.c[column].type, DIALECT.name)[0]

    def _of(self, column: str) -> _Text:
        kind = self._kind(column)
        if not kind.is_text or kind is PADDED_TEXT:
            return _NO_TEXT
        if self._found is None:
            asked = {"table": spelled(self._table).as_string(), "names": list(self._table.columns.keys())}
            self._found = {name: _Text(*of) for name, *of in self._transaction.execute(SQL(_TEXTS), asked)}
        return self._found.get(column, _NO_TEXT)
