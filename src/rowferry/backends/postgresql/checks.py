"""Which rows break which CHECK of a model, as PostgreSQL understands it: the rows go there as one document."""

import json

from psycopg.sql import Identifier
from sqlalchemy import Connection

from rowferry.backends.postgresql.plan import DIALECT
from rowferry.backends.postgresql.table import type_of
from rowferry.backends.postgresql.writer import quoted
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.declared import variant_of
from rowferry.kinds.kind import Kind


def find_failed(connection: Connection, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
    """Which rows break which checks: (position among the rows, name)."""
    verdicts = ", ".join(f"({check.sql}) IS FALSE" for check in rules.checks)
    ours = {column.name: Identifier("g", column.name).as_string() for column in rules.columns}
    types = {name: variant_of(rules.table.c[name].type, DIALECT.name).compile(DIALECT) for name in ours}
    # A document within a document would be a text of JSON, and not what the text says.
    texts = {column.name for column in rules.columns if column.kind.spelled_in_postgresql}
    read = (
        f"CAST({ours[name]} AS {type_of(rules.table, name).as_string()})" if name in texts else ours[name]
        for name in ours
    )
    values = ", ".join(f"{value} AS {quoted(name)}" for name, value in zip(ours, read, strict=True))
    given = ", ".join(f"{quoted(name)} {'text' if name in texts else types[name]}" for name in ours)
    before = f"SELECT rowferry_at, {verdicts} FROM (SELECT rowferry_at, {values} FROM json_to_recordset("
    behind = f"::json) AS g (rowferry_at int, {given})) AS r"
    judge = before.replace("%", "%%") + "%s" + behind.replace("%", "%%")
    document = json.dumps([{"rowferry_at": at, **_as_json(rules, row)} for at, row in enumerate(rows)], default=str)
    judged = connection.exec_driver_sql(judge, (document,)).all()
    return [(at, name) for at, *broken in judged for name in rules.names_of_checks(broken)]


def _as_json(rules: TableRules, row: dict[str, object]) -> dict[str, object]:
    """The values of a row as PostgreSQL reads them out of JSON."""
    return {name: _value(rules.by_name[name].kind, value) for name, value in row.items()}


def _value(kind: Kind, value: object) -> object:
    if value is None:
        return None
    return kind.for_postgresql(str(value)) if kind.spelled_in_postgresql else kind.to_json(value)
