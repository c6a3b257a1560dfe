"""A page of the rows of a table whose values SQLAlchemy reads."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, select, tuple_

from rowferry.dictionary.rules import TableRules


def read_page(
    connection: Connection,
    rules: TableRules,
    columns: Sequence[ColumnElement[Any]],
    after: Sequence[Any] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Up to so many rows behind the one with a key, in the order of the key, by columns as they are to be read.

    Without a key, they are behind so many rows, in the order of the spelling of their columns.
    """
    if not rules.key:
        order = (cast(rules.table.columns[name], Text) for name in rules.names)
        passed = int(after[0]) if after else 0
        found = connection.execute(select(*columns).order_by(*order).limit(limit).offset(passed))
        return [dict(row) for row in found.mappings()]
    key = [rules.table.columns[name] for name in rules.key]
    query = select(*columns).select_from(rules.table).order_by(*key).limit(limit)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [dict(row) for row in connection.execute(query).mappings()]
