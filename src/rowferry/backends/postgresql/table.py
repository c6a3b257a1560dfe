"""What can be done to a table of PostgreSQL and its constraints, so that many rows get in fast and safely."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Literal

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier
from sqlalchemy import Connection, Enum, Table

from rowferry.backends.plan import Statement
from rowferry.backends.postgresql.plan import DIALECT, as_text
from rowferry.dictionary.foreign_keys import Reference, references_to
from rowferry.dictionary.load_order import load_order
from rowferry.dictionary.rules import TableRules
from rowferry.errors import SchemaDiffers
from rowferry.kinds.declared import variant_of

_SPARES_TRIGGERS = """
{has_right}
  AND (SELECT bool_and(relkind = 'r' AND NOT relhassubclass) FROM pg_class
       WHERE oid = ANY(array_append(%(parents)s::regclass[], %(table)s::regclass)))
  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = %(table)s::regclass)
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND tgenabled <> 'D'
                  AND NOT (tgisinternal AND tgconstrrelid <> 0))
  AND {all_known}
"""
"""Whether rows that are inserted need no trigger of the table, and we have the right.

It has none but those of foreign keys, all of which the model has too, and no table concerned has partitions or heirs.
This is planned for each batch anew, since what it is for makes the server forget its plans: hence so few joins.
"""

_KEY_IS_REFERRED_TO = """
NOT EXISTS (SELECT FROM pg_constraint f
            JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = ANY(f.confkey)
            WHERE f.contype = 'f' AND f.confrelid = %(table)s::regclass AND a.attname <> ALL(%(key)s::text[]))
"""
"""Whether foreign keys lead to no other column than the key, which never changes."""

_ALL_KNOWN = """
(SELECT coalesce(bool_and((conrelid::regclass || ' ' || pg_get_constraintdef(oid)) ^@ ANY(ARRAY(
   SELECT format('%%s FOREIGN KEY (%%s) REFERENCES %%s(%%s)', to_regclass(child), {name}, to_regclass(parent), {target})
   FROM unnest(%(children)s::text[], %(columns)s::text[], %(parents)s::text[], %(targets)s::text[])
     AS known (child, name, parent, target)))), true)
 FROM pg_constraint WHERE contype = 'f' AND {side} = %(table)s::regclass)
"""
"""Whether all foreign keys on one side of a table (conrelid: from it, confrelid: to it) are among those given."""

_ONE_NAME = "quote_ident({0})"
_NAMES = """
(SELECT string_agg(quote_ident(one), ', ' ORDER BY at)
 FROM json_array_elements_text(CAST({0} AS json)) WITH ORDINALITY AS u (one, at))
"""
"""How the database spells the columns of a foreign key: if each has one only, which takes less to plan, or as JSON."""

_SUPERUSER = "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
_GRANTED = "has_parameter_privilege('session_replication_role', 'SET')"

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %%I.%%I', n.nspname, c.collname) ELSE '' END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE a.attrelid = %(table)s::regclass AND a.attname = ANY(%(names)s)
"""
"""The types of columns, as they are spelled to make a column."""

_PARENTS = """
SELECT DISTINCT known.at, n.nspname, p.relname FROM pg_constraint c
JOIN pg_class p ON p.oid = c.confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
LEFT JOIN unnest(%(tables)s::text[]) WITH ORDINALITY AS known (name, at) ON to_regclass(known.name) = p.oid
WHERE c.conrelid = %(table)s::regclass AND c.contype = 'f'
  AND has_table_privilege(p.oid, 'UPDATE, DELETE, TRUNCATE')
ORDER BY known.at, n.nspname, p.relname
"""
"""The tables that a table refers to, as far as we may lock them, in the order in which tables are given."""

_HAS_SPARE_FOREIGN_KEYS = """
SELECT pg_has_role(t.relowner, 'USAGE') AND t.relkind = 'r' AND NOT EXISTS (
  SELECT FROM pg_constraint f WHERE f.conrelid = t.oid AND f.contype = 'f'
  AND (NOT f.convalidated OR obj_description(f.oid, 'pg_constraint') IS NOT NULL
       OR NOT (has_table_privilege(f.confrelid, 'REFERENCES')
               AND has_table_privilege(f.confrelid, 'UPDATE, DELETE, TRUNCATE'))
       OR EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = f.oid AND tgenabled <> 'O')))
FROM pg_class t WHERE t.oid = %(table)s::regclass
"""
"""Whether the foreign keys can be dropped and added again without a trace: we may, and all are validated, none special.

One that is NOT ENFORCED is not validated either. Of a partitioned table, partitions may have named theirs otherwise.
Who may neither lock a parent nor refer to it cannot do so.
"""

_IS_PLAIN = """
SELECT t.relkind = 'r' AND NOT row_security_active(t.oid)
  AND has_table_privilege(t.oid, 'UPDATE, DELETE, TRUNCATE')
  AND NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = t.oid)
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.oid AND tgenabled <> 'D' AND NOT tgisinternal)
FROM pg_class t WHERE t.oid = %(table)s::regclass
"""
"""Whether COPY does to a table what INSERT would, however often rows are cut; and we may lock it."""

_IS_VIEW = "SELECT relkind = 'v' FROM pg_class WHERE oid = %(table)s::regclass"

_HAS_FOREIGN_KEYS = "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype = 'f')"

_FOREIGN_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %(table)s::regclass AND contype = 'f' AND conparentid = 0 ORDER BY conname
"""

_SPARE_KEY = """
SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_class i ON i.oid = c.conindid JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = c.conrelid
WHERE c.conrelid = %(table)s::regclass AND c.contype = 'p' AND NOT c.condeferrable
  AND t.relkind = 'r' AND t.relreplident = 'd' AND NOT t.relhassubclass AND NOT t.relispartition
  AND i.reltablespace = 0 AND i.reloptions IS NULL AND NOT x.indisclustered
  AND obj_description(c.oid, 'pg_constraint') IS NULL AND obj_description(i.oid, 'pg_class') IS NULL
  AND NOT EXISTS (SELECT FROM pg_constraint r WHERE r.confrelid = c.conrelid)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype <> 'i'
                  AND (d.refclassid, d.refobjid) IN (('pg_constraint'::regclass, c.oid), ('pg_class'::regclass, i.oid)))
  AND pg_has_role(t.relowner, 'USAGE')
"""
"""The primary key, if it can be dropped and added again without a trace: nothing depends on it, nothing is special."""


_HAS_UNIQUE_VALUES = """
SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = %(table)s::regclass AND indisunique AND NOT indisprimary)
"""

_MAY_REWRITE = """
SELECT has_table_privilege(%(table)s, 'DELETE')
  AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE confrelid = %(table)s::regclass AND contype = 'f')
  AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
                  AND attgenerated = '' AND attname <> ALL(%(names)s::text[]))
"""
"""Whether a row may be removed and inserted anew: nothing of it is lost, refers to it or acts upon it."""

LockMode = Literal["ROW SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE"]
"""Nobody else locks it from readers; nobody else writes; nobody else reads either."""


class Statements:
    """Runs statements on the driver's connection that is behind one of SQLAlchemy."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.notes: dict[str, list[str]] = {}
        """By table, what people should know of it although rows were put in."""

    @property
    def driver(self) -> psycopg.Connection[Any]:
        connection = self.connection.connection.dbapi_connection
        assert isinstance(connection, psycopg.Connection)  # noqa: S101  # for the type checker
        return connection

    def may_skip_triggers(self) -> Composable:
        """The condition that we have the right to set session_replication_role."""
        granted = self.driver.info.server_version >= 150_000  # before, it could not be granted
        return SQL(_GRANTED if granted else _SUPERUSER)

    def execute(self, statement: Composable, parameters: Any = None) -> psycopg.Cursor[Any]:
        written = statement.as_bytes(self.driver) if parameters is None else self._with_parameters(statement)
        return self.driver.execute(written, parameters)

    def _with_parameters(self, statement: Composable) -> bytes:
        """A statement as the driver takes it beside parameters: the percent signs of names are doubled."""
        if isinstance(statement, Composed):
            return b"".join(map(self._with_parameters, statement))
        written = statement.as_bytes(self.driver)
        return written.replace(b"%", b"%%") if isinstance(statement, Identifier) else written

    def run(self, statement: Statement) -> psycopg.Cursor[Any]:
        """Run a statement of the plan."""
        return self.driver.execute(as_text(statement))

    def value(self, statement: Composable, parameters: Any = None) -> Any:
        row = self.execute(statement, parameters).fetchone()
        return row[0] if row else None

    def has_rows(self, table: Composable) -> bool:
        return bool(self.value(SQL("SELECT EXISTS (SELECT FROM {})").format(table)))


class PostgresqlTable:
    """A table of the database, with what can be done to its constraints."""

    def __init__(self, transaction: Statements, rules: TableRules) -> None:
        self.transaction = transaction
        self.rules = rules
        self.name = spelled(rules.table)
        self._spelled = {"table": self.name.as_string()}

    def has_rows(self) -> bool:
        return self.transaction.has_rows(self.name)

    def skips_triggers(self) -> bool:
        """Whether the triggers of the foreign keys may be left out, since all they check is checked by us."""
        spared, parameters = self.spares_triggers()
        condition = SQL("SELECT {} AND {}").format(spared, SQL(_KEY_IS_REFERRED_TO))
        return bool(self.transaction.value(condition, {**parameters, "key": list(self.rules.key)}))

    def spares_triggers(self) -> tuple[Composable, dict[str, Any]]:
        """The condition that triggers may be left out for rows that are inserted, and its parameters."""
        known = [(self.rules.table, reference) for reference in self.rules.references]
        condition = SQL(_SPARES_TRIGGERS).format(
            has_right=self.transaction.may_skip_triggers(), all_known=_all_known("conrelid", known)
        )
        return condition, {**self._spelled, **_spelled_references(known)}

    def is_plain(self) -> bool:
        """Whether rows may go in by any number of COPYs; only foreign keys may have triggers."""
        return bool(self.transaction.value(SQL(_IS_PLAIN), self._spelled))

    def is_view(self) -> bool:
        """Whether its rows lie elsewhere."""
        return bool(self.transaction.value(SQL(_IS_VIEW), self._spelled))

    def has_foreign_keys(self) -> bool:
        """Whether the table refers to any other, whatever its model says."""
        return bool(self.transaction.value(SQL(_HAS_FOREIGN_KEYS), self._spelled))

    def is_referred_to_as_known(self) -> bool:
        """Whether all foreign keys to the table are those that the models have."""
        known = list(references_to(self.rules.table))
        condition = SQL("SELECT {}").format(_all_known("confrelid", known))
        return bool(self.transaction.value(condition, {**self._spelled, **_spelled_references(known)}))

    def drops_foreign_keys(self) -> bool:
        """Whether there are foreign keys that can be dropped, and added again for the database to prove them."""
        return self.has_foreign_keys() and bool(self.transaction.value(SQL(_HAS_SPARE_FOREIGN_KEYS), self._spelled))

    def has_unique_values(self) -> bool:
        """Whether values are unique beside the key."""
        return bool(self.transaction.value(SQL(_HAS_UNIQUE_VALUES), self._spelled))

    def may_rewrite(self) -> bool:
        """Whether rows may be removed and inserted anew instead of changed, and nobody else would notice."""
        parameters = {**self._spelled, "names": list(self.rules.names)}
        return self.rules.is_whole and bool(self.transaction.value(SQL(_MAY_REWRITE), parameters))

    def lock(self, mode: LockMode | None = None, *, parents: LockMode | None = None, wait: bool = True) -> None:
        """Lock the table, and its parents before it: whoever locks in load order never waits in a circle."""
        held = self.parents() if parents else []
        for tables, wanted in ((held, parents), ([self.name], mode)):
            if tables and wanted:
                lock = SQL("LOCK TABLE {} IN {} MODE {}").format(
                    SQL(", ").join(tables), SQL(wanted), SQL("" if wait else "NOWAIT")
                )
                self.transaction.execute(lock)

    def parents(self) -> list[Identifier]:
        """The tables that the table refers to, as far as we may lock them, in load order."""
        tables = self.rules.table.metadata.tables
        in_order = [spelled(tables[key]).as_string() for key in load_order(tables.values())]
        found = self.transaction.execute(SQL(_PARENTS), {**self._spelled, "tables": in_order}).fetchall()
        return [Identifier(schema, name) for _, schema, name in found]

    def columns(self) -> Composable:
        """The columns of the model with their types in the database; unlike `SELECT` this takes no lock that lasts.

        Raises:
            SchemaDiffers: The table has lost a column since the service was started.
        """
        found = self.transaction.execute(SQL(_COLUMNS), {**self._spelled, "names": list(self.rules.names)}).fetchall()
        types = dict(found)
        if lost := [name for name in self.rules.names if name not in types]:
            raise SchemaDiffers(table=self.rules.name, reason=f"it lacks {', '.join(lost)}")
        return SQL(", ").join(SQL("{} {}").format(Identifier(name), SQL(types[name])) for name in self.rules.names)

    @contextmanager
    def key_aside(self) -> Iterator[None]:
        """Build the index of the primary key at the end, if that leaves no trace."""
        with self._aside(self.transaction.execute(SQL(_SPARE_KEY), self._spelled).fetchall()):
            yield

    @contextmanager
    def triggers_aside(self) -> Iterator[None]:
        """Fire no trigger; the caller sees to it that foreign keys hold."""
        self.fire_triggers(fire=False)
        yield
        self.fire_triggers(fire=True)

    def fire_triggers(self, *, fire: bool) -> None:
        """Whether triggers fire from now on."""
        role = SQL("origin" if fire else "replica")
        self.transaction.execute(SQL("SET LOCAL session_replication_role = {}").format(role))

    def find_parents_by_index(self, *, always: bool) -> None:
        """Whether triggers look for a parent by its index even if that table is small, which takes a third less time.

        For a table of two pages the server would otherwise read all its rows, for each row that goes in.
        """
        cost = SQL("0" if always else "DEFAULT")
        self.transaction.execute(SQL("SET LOCAL random_page_cost TO {}").format(cost))
        if always:
            self.transaction.execute(SQL("DISCARD PLANS"))  # which the triggers may have from before

    def drop_foreign_keys(self) -> list[tuple[str, str]]:
        """Drop the foreign keys of the table; their names and definitions."""
        found = self.transaction.execute(SQL(_FOREIGN_KEYS), self._spelled).fetchall()
        return self._drop_constraints(found)

    @contextmanager
    def _aside(self, constraints: list[tuple[str, str]]) -> Iterator[None]:
        dropped = self._drop_constraints(constraints)
        yield
        self.add_constraints(dropped)

    def _drop_constraints(self, constraints: list[tuple[str, str]]) -> list[tuple[str, str]]:
        for name, _ in constraints:
            self.transaction.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(self.name, Identifier(name)))
        return constraints

    def add_constraints(self, constraints: list[tuple[str, str]]) -> None:
        """Add constraints that were dropped; the database proves them."""
        for name, definition in constraints:
            add = SQL("ALTER TABLE {} ADD CONSTRAINT {} ").format(self.name, Identifier(name))
            self.transaction.execute(add + SQL(definition))  # as the database spelled it


def spelled(table: Table) -> Identifier:
    """The name of a table as it stands in a statement."""
    return Identifier(*filter(None, (table.schema, table.name)))


def type_of(table: Table, column: str) -> SQL:
    """The type of a column as the model has it, without its collation; of labels, that of texts."""
    declared = variant_of(table.c[column].type, DIALECT.name)
    if isinstance(declared, Enum):
        return SQL("text")
    return SQL(declared.compile(DIALECT).partition(" COLLATE ")[0])


_Known = Sequence[tuple[Table, Reference]]
"""References of the models, each with the table whose it is."""


def _all_known(side: Literal["conrelid", "confrelid"], known: _Known) -> Composable:
    names = SQL(_NAMES if _has_composite(known) else _ONE_NAME)
    name, target = names.format(SQL("name")), names.format(SQL("target"))
    return SQL(_ALL_KNOWN).format(side=Identifier(side), name=name, target=target)


def _has_composite(known: _Known) -> bool:
    return any(reference.column is None for _, reference in known)


def _spelled_references(known: _Known) -> dict[str, list[str]]:
    """References as lists: tables, their columns, the tables and columns that they refer to."""
    tables = known[0][0].metadata.tables if known else {}
    written = json.dumps if _has_composite(known) else itemgetter(0)
    return {
        "children": [spelled(table).as_string() for table, _ in known],
        "columns": [written(reference.columns) for _, reference in known],
        "parents": [spelled(tables[reference.parent]).as_string() for _, reference in known],
        "targets": [written(reference.targets) for _, reference in known],
    }
