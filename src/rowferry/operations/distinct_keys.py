"""Whether the rows of a table have keys of their own, where the database leaves that to whoever writes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select, type_coerce
from sqlalchemy.types import NullType

from rowferry.backends.protocol import Backend
from rowferry.dictionary.rules import TableRules
from rowferry.dictionary.unstorable import spelled_key
from rowferry.errors import ConservationBroken, KeyNotUnique, KeysTaken, RestoreMiscounted, UniqueBroken


def require_distinct_keys(backend: Backend, connection: Connection, rules: TableRules) -> None:
    """Raise KeyNotUnique if rows of a table have the same key; they are read only if the database may hold such rows.

    Rows are known by their keys: of two with the same one, a page of a backup would pass over the second.
    """
    if not rules.key or backend.keeps_keys_distinct(connection, rules):
        return
    key = [rules.table.c[name] for name in rules.key]
    given = [type_coerce(column, NullType()) for column in key]  # not as the class has it, which may not know a value
    twice = select(*given).where(*(column.is_not(None) for column in key)).group_by(*key).having(func.count() > 1)
    if row := connection.execute(twice.limit(1)).first():
        raise KeyNotUnique(table=rules.name, key=spelled_key(rules, row))


@contextmanager
def same_keys_named(backend: Backend, tables: Iterable[TableRules]) -> Iterator[None]:
    """Once a transaction is undone, raise KeyNotUnique if what kept it from its end are rows with the same key."""
    try:
        yield
    except (ConservationBroken, KeysTaken, RestoreMiscounted, UniqueBroken):
        with backend.errors(), backend.engine.connect() as connection:
            for rules in tables:
                require_distinct_keys(backend, connection, rules)
        raise
