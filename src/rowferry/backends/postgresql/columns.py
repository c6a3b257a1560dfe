"""What columns and keys tables of PostgreSQL have, by its catalog, and how they differ from those of their models."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Table

from rowferry.backends.postgresql.table import spelled
from rowferry.backends.postgresql.types import unkept
from rowferry.backends.schema import beside, generation, unknown_columns
from rowferry.dictionary.rules import TableRules

_COLUMNS = """
SELECT wanted.name, a.attname, CASE
  WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
  WHEN t.typtype = 'e' THEN 'text'
  WHEN t.typcategory = 'A' AND e.typtype = 'e' THEN 'text[]'
  ELSE format_type(a.atttypid, a.atttypmod) END, c.collname, a.attgenerated <> '', a.attidentity = 'a',
  CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = a.attrelid AND indisprimary AND a.attnum = ANY(indkey))
       THEN '(part of the primary key)'
       WHEN (a.attnotnull OR t.typnotnull) AND NOT (a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL)
         AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = a.attrelid AND tgenabled <> 'D' AND tgtype & 7 = 7)
       THEN '(required, but without a default)' END
FROM unnest(CAST(%s AS text[])) wanted (name)
JOIN pg_attribute a ON a.attrelid = to_regclass(wanted.name) AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem
LEFT JOIN pg_collation c ON c.oid = a.attcollation AND NOT c.collisdeterministic
"""
"""The columns of tables and their types; of a domain what it is over, and of an enumeration what it is sent as.

Of a column whose collation takes different texts for the same also that, and of each whether it is generated or an
identity that takes no values, and what keeps a row from leaving it out: a trigger that fires before a row is inserted
may fill whatever is required.
"""

_HAS_DISTINCT_KEYS = """
SELECT EXISTS (
  SELECT FROM pg_index i WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
    SELECT FROM unnest(i.indkey[:i.indnkeyatts - 1]) AS k (at)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.at WHERE a.attname <> ALL(%s)))
AND NOT EXISTS (SELECT FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
                WHERE h.inhparent = to_regclass(%s) AND NOT c.relispartition)
"""
"""Whether columns of the key alone are unique, of which no heirs have their own."""


_HEIRS = """
WITH RECURSIVE tree AS (
  SELECT name, to_regclass(name)::oid AS oid FROM unnest(CAST(%s AS text[])) AS wanted (name)
  UNION SELECT name, inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid
)
SELECT name, c.oid::regclass::text FROM tree JOIN pg_class c ON c.oid = tree.oid
WHERE c.oid <> to_regclass(name) AND NOT c.relispartition ORDER BY 1, 2
"""


_PARTITIONS = """
SELECT name, inhparent::regclass::text FROM unnest(CAST(%s AS text[])) AS wanted (name)
JOIN pg_class c ON c.oid = to_regclass(name) AND c.relispartition JOIN pg_inherits ON inhrelid = c.oid
"""


def found_columns(connection: Connection, tables: Iterable[Table]) -> dict[str, set[str]]:
    """What `Backend.columns` gives."""
    wanted = {spelled(table).as_string(): table for table in tables}
    found: dict[str, set[str]] = {}
    for name, column, *kept, generated, numbered, needs in connection.exec_driver_sql(_COLUMNS, (list(wanted),)):
        columns, table = found.setdefault(wanted[name].key, set()), wanted[name]
        if (model := table.columns.get(column)) is None:
            columns.update(beside(table, column, needs))
        else:
            has = generation(model, generated=generated) or _numbering(model, numbered=numbered) or unkept(model, *kept)
            columns.add(f"{column} {has}" if has else column)
    return found


def find_unknown(connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
    """What `Backend.unknown` gives."""
    wanted = {spelled(table).as_string(): table for table in tables}
    found = connection.exec_driver_sql(_COLUMNS, (list(wanted),))
    return unknown_columns(
        (wanted[name], column, generated) for name, column, *_, generated, _numbered, _needs in found
    )


def find_heirs(connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
    """What `Backend.heirs` gives."""
    wanted = {spelled(table).as_string(): table for table in tables}
    found: dict[str, list[str]] = {}
    for name, heir in connection.exec_driver_sql(_HEIRS, (list(wanted),)):
        found.setdefault(wanted[name].key, []).append(heir)
    return found


def find_partitions(connection: Connection, tables: Iterable[Table]) -> dict[str, str]:
    """What `Backend.partitions` gives."""
    wanted = {spelled(table).as_string(): table for table in tables}
    return {wanted[name].key: whole for name, whole in connection.exec_driver_sql(_PARTITIONS, (list(wanted),))}


def has_distinct_keys(connection: Connection, rules: TableRules) -> bool:
    """What `Backend.keeps_keys_distinct` gives."""
    name = spelled(rules.table).as_string()
    return bool(connection.exec_driver_sql(_HAS_DISTINCT_KEYS, (name, list(rules.key), name)).scalar())


def _numbering(model: Column[object], *, numbered: bool) -> str | None:
    """In words that stand behind its name, that a column takes no values and its model does not say so."""
    if not numbered or (model.identity is not None and model.identity.always):
        return None
    remedy = "declare it with Identity(always=True)" if model.primary_key else "leave it out of the class"
    return f"numbered by the database alone ({remedy})"
