"""The rows of other tables that rows of a table of PostgreSQL refer to."""

from collections.abc import Sequence

from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Connection, Table, Text, cast, select, text

from rowferry.backends.postgresql.table import Statements, spelled, type_of
from rowferry.backends.postgresql.texts import Texts
from rowferry.backends.referred_keys import ReferredKeys
from rowferry.dictionary.rules import Reference, TableRules
from rowferry.errors import ParentsVanished


class Referred(ReferredKeys):
    """The keys that rows refer to; held against deletion when the rows go in."""

    def __init__(self, rules: TableRules) -> None:
        super().__init__(rules)
        self.rules = rules

    def hold(self, transaction: Statements, rows: Composable) -> None:
        """Lock the parents of `rows` as the trigger of a foreign key would; ParentsVanished if one is not there."""
        for reference in self.rules.references:
            keys = self.keys(reference)
            if keys is None:
                wanted = SQL("SELECT {0} AS key FROM {1} WHERE {0} IS NOT NULL").format(
                    Identifier(reference.column), rows
                )
                count = transaction.value(SQL("SELECT count(*) FROM ({} GROUP BY 1) AS keys").format(wanted))
                held = self._hold(transaction, reference, wanted, ())
            elif count := len(keys):
                given = SQL("SELECT unnest(CAST(%s AS {}[])) AS key").format(
                    type_of(self.rules.table, reference.column)
                )
                held = self._hold(transaction, reference, given, (keys.to_pylist(),))
            else:
                continue
            if held != count:
                raise ParentsVanished

    def _hold(self, transaction: Statements, reference: Reference, wanted: Composable, keys: tuple[object, ...]) -> int:
        parent = self.rules.table.metadata.tables[reference.parent]
        texts = Texts(transaction, parent)
        lock = SQL(
            "SELECT count(*) FROM (SELECT FROM {} WHERE {} IN (SELECT {} FROM ({}) AS keys) FOR KEY SHARE) AS held"
        ).format(
            spelled(parent),
            texts.compared(reference.target),
            texts.as_here(SQL("keys.key"), reference.target),
            wanted,
        )
        return int(transaction.value(lock, keys))


def find_existing(connection: Connection, table: Table, column: str, values: Sequence[object]) -> list[object]:
    """Those of the values that a column of a table holds."""
    labels = Texts(Statements(connection), table).enumeration(column)
    held = cast(table.c[column], Text) if labels else table.c[column]
    found = select(table.c[column]).where(held == text("ANY(:values)").bindparams(values=list(values)))
    return list(connection.scalars(found))
