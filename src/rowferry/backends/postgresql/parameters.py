"""Few rows on their way to PostgreSQL as parameters: one list for each column."""

from typing import Any

import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier

from rowferry.arrow.arrays import python_values
from rowferry.backends.postgresql.copy_format import as_read
from rowferry.backends.postgresql.table import Statements, spelled, type_of
from rowferry.backends.postgresql.texts import Texts
from rowferry.backends.protocol import Holders
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.intervals import spans_as_texts

_LABEL = "CASE WHEN s.{0} = ANY(CAST(enum_range(NULL::{1}) AS text[])) THEN CAST(s.{0} AS {1}) END"
"""A text as a label of an enumeration; null if it is none, which equals nothing."""


class GivenRows:
    """How rows that are given for a table stand in a statement, as table `s`: their types are those of the model."""

    def __init__(self, transaction: Statements, rules: TableRules) -> None:
        self._transaction, self._rules = transaction, rules
        self._table = spelled(rules.table)
        self._texts = Texts(transaction, rules.table)

    def source(self, names: tuple[str, ...]) -> Composable:
        """What stands behind FROM; `rowferry_at` is the number of a row, from 1 on."""
        spelled_ones = [name for name in names if self._is_spelled(name)]
        types = (SQL("text") if name in spelled_ones else type_of(self._rules.table, name) for name in names)
        lists = SQL(", ").join(SQL("CAST(%s AS {}[])").format(kind) for kind in types)
        named = SQL(", ").join(map(Identifier, [*names, "rowferry_at"]))
        rows = SQL("unnest({}) WITH ORDINALITY AS s ({})").format(lists, named)
        if not spelled_ones:
            return rows
        values = (SQL("{} AS {}").format(self.value(name), Identifier(name)) for name in names)
        return SQL("(SELECT {}, rowferry_at FROM {}) AS s").format(SQL(", ").join(values), rows)

    def value(self, name: str) -> Composable:
        """A value as it may be put into the table `t`, which refuses what is no label."""
        value = SQL("s.{}").format(Identifier(name))
        if self._is_spelled(name):
            return SQL("CAST({} AS {})").format(value, type_of(self._rules.table, name))
        enumeration = self._texts.enumeration(name)
        return SQL("CAST({} AS {})").format(value, enumeration) if enumeration else value

    def same(self, names: tuple[str, ...]) -> Composable:
        """The condition that a row has the values of the row `t` in some columns; it never fails."""
        return SQL(" AND ").join(SQL("t.{} = {}").format(Identifier(name), self._compared(name)) for name in names)

    def known(self, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the candidate key of a row of the table."""
        if not self._transaction.has_rows(self._table):
            return []
        find = SQL("SELECT rowferry_at - 1 FROM {} WHERE EXISTS (SELECT FROM {} t WHERE {}) ORDER BY 1").format(
            self.source(key), self._table, self.same(key)
        )
        return [at for (at,) in self._transaction.execute(find, lists_of(rows.select(list(key))))]

    def held(self, names: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """The same, and those rows of the table are there until the end of the transaction; the key is unique."""
        find = SQL("SELECT rowferry_at - 1 FROM {} JOIN {} t ON {} FOR KEY SHARE OF t").format(
            self.source(names), self._table, self.same(names)
        )
        return [at for (at,) in self._transaction.execute(find, lists_of(rows.select(list(names))))]

    def holders(self, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        """Which rows have values of a row of the table with another key."""
        key = self._rules.key
        given = tuple(dict.fromkeys((*names, *key)))
        find = SQL("SELECT rowferry_at - 1, {} FROM {} JOIN {} t ON {} WHERE ({}) IS NOT TRUE ORDER BY 1").format(
            SQL(", ").join(self._texts.read(name, "t") for name in key),
            self.source(given),
            self._table,
            self.same(names),
            self.same(key),
        )
        found = self._transaction.execute(find, lists_of(rows.select(list(given))))
        return [(at, tuple(holder)) for at, *holder in found]

    def _is_spelled(self, name: str) -> bool:
        return self._rules.by_name[name].kind.spelled_in_postgresql is not None

    def _compared(self, name: str) -> Composable:
        if enumeration := self._texts.enumeration(name):
            return SQL(_LABEL).format(Identifier(name), enumeration)
        return self.value(name)


def lists_of(rows: pa.RecordBatch) -> list[list[Any]]:
    """Rows as one list for each column."""
    spelled = (as_read(field, column) for field, column in zip(rows.schema, rows.columns, strict=True))
    return [python_values(spans_as_texts(of) if pa.types.is_interval(of.type) else of) for of in spelled]
