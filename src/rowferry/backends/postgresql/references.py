"""The rows of other tables that rows of a table of PostgreSQL refer to."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Connection, Table

from rowferry.arrow.arrays import as_arrow, python_values
from rowferry.backends.postgresql.table import Statements, spelled, type_of
from rowferry.backends.postgresql.texts import Texts
from rowferry.backends.referred_keys import ReferredKeys
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules
from rowferry.errors import ParentsVanished


class Referred(ReferredKeys):
    """The keys that rows refer to; held against deletion when the rows go in."""

    def __init__(self, rules: TableRules) -> None:
        super().__init__(rules)
        self.rules = rules

    def hold(self, transaction: Statements, rows: Composable, *, alone: bool = False) -> None:
        """Lock the parents of `rows` as the trigger of a foreign key would; ParentsVanished if one is not there.

        If nobody else can read the table of the rows, `alone`, many parents need no lock. Whoever deletes one looks for
        rows that refer to it, for which the trigger locks this table before it decides which rows it can see: they
        wait for us, and then find ours.
        """
        for reference in self.rules.references:
            keys = self.keys(reference)
            if keys is None:
                is_there = self._refer if alone else self._hold_all
                found = is_there(transaction, reference, rows)
            else:
                found = self._hold_each(transaction, reference, keys)
            if not found:
                raise ParentsVanished

    def _refer(self, transaction: Statements, reference: Reference, rows: Composable) -> bool:
        """Whether all rows refer to one that is there."""
        parent = self.rules.table.metadata.tables[reference.parent]
        texts = Texts(transaction, parent)
        missing = SQL(
            "SELECT EXISTS (SELECT FROM ({}) AS keys WHERE NOT EXISTS (SELECT FROM {} WHERE ({}) = ({})))"
        ).format(_keys_of(reference, rows), spelled(parent), _targets(reference, texts), _wanted(reference, texts))
        return not transaction.value(missing)

    def _hold_all(self, transaction: Statements, reference: Reference, rows: Composable) -> bool:
        wanted = _keys_of(reference, rows)
        count = transaction.value(
            SQL("SELECT count(*) FROM (SELECT DISTINCT * FROM ({}) AS of_rows) AS keys").format(wanted)
        )
        return self._hold(transaction, reference, wanted, ()) == int(count)

    def _hold_each(self, transaction: Statements, reference: Reference, keys: pa.Array) -> bool:
        given = SQL("SELECT unnest(CAST(%s AS {}[])) AS key_0").format(type_of(self.rules.table, reference.columns[0]))
        return not len(keys) or self._hold(transaction, reference, given, (python_values(keys),)) == len(keys)

    def _hold(self, transaction: Statements, reference: Reference, wanted: Composable, keys: tuple[object, ...]) -> int:
        parent = self.rules.table.metadata.tables[reference.parent]
        texts = Texts(transaction, parent)
        lock = SQL(
            "SELECT count(*) FROM (SELECT FROM {} WHERE ({}) IN (SELECT {} FROM ({}) AS keys) FOR KEY SHARE) AS held"
        ).format(spelled(parent), _targets(reference, texts), _wanted(reference, texts), wanted)
        return int(transaction.value(lock, keys))


def _keys_of(reference: Reference, rows: Composable) -> Composable:
    names = [Identifier(name) for name in reference.columns]
    keys = SQL(", ").join(SQL("{} AS {}").format(name, _key(at)) for at, name in enumerate(names))
    present = SQL(" AND ").join(SQL("{} IS NOT NULL").format(name) for name in names)
    return SQL("SELECT {} FROM {} WHERE {}").format(keys, rows, present)


def _key(at: int) -> Identifier:
    return Identifier(f"key_{at}")


def _targets(reference: Reference, texts: Texts) -> Composable:
    """The columns that a reference leads to, as they are compared."""
    return SQL(", ").join(map(texts.compared, reference.targets))


def _wanted(reference: Reference, texts: Texts) -> Composable:
    """The values that they should have, from the table `keys`."""
    both = enumerate(reference.targets)
    return SQL(", ").join(texts.as_here(SQL("keys.{}").format(_key(at)), target) for at, target in both)


def find_existing(
    connection: Connection, table: Table, column: str, values: Sequence[object], *, hold: bool = False
) -> list[object]:
    """Those of the values that a column of a table holds; `hold` keeps them there until the transaction ends."""
    transaction = Statements(connection)
    texts = Texts(transaction, table)
    find = SQL("SELECT {} FROM {} WHERE {} = ANY(CAST(%s AS {}[])) {}").format(
        texts.read(column),
        spelled(table),
        texts.compared(column),
        type_of(table, column),
        SQL("FOR KEY SHARE" if hold else ""),
    )
    return [row[0] for row in transaction.execute(find, (list(values),))]


def find_next_keys(connection: Connection, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
    """The next integers above another one that a column of a table holds, ascending."""
    find = SQL(
        "SELECT string_agg(int8send(key), CAST('' AS bytea)) "
        "FROM (SELECT {0} AS key FROM {1} WHERE {0} > %s ORDER BY {0} LIMIT %s) AS keys"
    ).format(Identifier(column), spelled(table))
    sent = Statements(connection).value(find, (after, most))
    found = np.frombuffer(sent or b"", dtype=">i8").astype(np.int64)
    return as_arrow(np.sort(found))
