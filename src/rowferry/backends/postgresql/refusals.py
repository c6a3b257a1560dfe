"""Why PostgreSQL refuses a row, as far as its errors and its catalog tell, and which triggers act on a table."""

import re
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL

from rowferry.backends.postgresql.table import PostgresqlTable, spelled
from rowferry.backends.refusals import Event, Refusal
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules

_TREE = """
(SELECT %(table)s::regclass::oid UNION ALL SELECT relid::oid FROM pg_partition_tree(%(table)s::regclass))
"""
"""The table and its partitions."""

_IS_KNOWN_KEY = f"""
SELECT i.indisprimary, i.indpred IS NULL AND i.indexprs IS NULL,
  ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname = %(name)s AND i.indrelid IN {_TREE}
"""
"""Of an index of the table or of one of its partitions: whether it is that of the key, is plain, and its columns."""

_REFERENCE = f"""
SELECT confrelid, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY(conkey)),
  ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = confrelid AND attnum = ANY(confkey))
FROM pg_constraint WHERE contype = 'f' AND conname = %(name)s AND conrelid IN {_TREE}
"""
"""A foreign key of the table or of one of its partitions: what it leads to, and the columns on both sides."""

_TRIGGERS = f"""
SELECT t.tgname::text, p.proname::text, t.tgtype & 66 <> 0
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & %(event)s <> 0 AND t.tgrelid IN {_TREE}
UNION
SELECT r.rulename::text, '', true FROM pg_rewrite r
WHERE r.ev_enabled <> 'D' AND r.ev_type = %(rule)s AND r.ev_class = %(table)s::regclass
ORDER BY 1
"""
"""The triggers and rules that act on an event, in the order in which they do: name, function, whether at first."""

_FOLLOWING = f"""
SELECT f.conname::text FROM pg_constraint f
WHERE f.contype = 'f' AND f.confupdtype IN ('c', 'n', 'd') AND f.conrelid IN {_TREE} AND NOT EXISTS (
  SELECT FROM pg_constraint k
  WHERE k.conrelid = f.confrelid AND k.contype = 'p' AND k.conkey @> f.confkey AND k.conkey <@ f.confkey)
"""
"""The foreign keys that change rows when those change that they refer to, by other columns than the key."""

_BITS: dict[Event, tuple[int, str]] = {"INSERT": (4, "3"), "DELETE": (8, "4"), "UPDATE": (16, "2")}
"""How the catalog spells events, of triggers and of rules."""

_UNNAMED: tuple[tuple[type[psycopg.Error], str], ...] = (
    (pg.NotNullViolation, "not_null"),
    (pg.ForeignKeyViolation, "foreign_key"),
    (pg.UniqueViolation, "unique"),
    (pg.CheckViolation, "partition"),
    (pg.WithCheckOptionViolation, "check_option"),
    (pg.InsufficientPrivilege, "row_level_security"),
    (psycopg.DataError, "type"),
    (pg.ProgramLimitExceeded, "limit"),
)
"""What stands for a rule that has no name, by the error."""

_REFUSALS = {"27", "2F", "38", "39", "54"}
"""The classes of SQLSTATE of triggers, functions and limits that psycopg counts with those of a server that is away."""

_DENIES_ROWS = {"ExecWithCheckOptions", "exec_stmt_raise"}
"""Where the server denies a row: by a policy, or because a trigger says so; elsewhere it denies the whole statement."""


def is_away(error: psycopg.Error) -> bool:
    """Whether the server cannot do its work, rather than refuse it."""
    return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and (
        (error.sqlstate or "")[:2] not in _REFUSALS
    )


class PostgresqlRefusals:
    """Judges the errors that rows of a table lead to."""

    def __init__(self, table: PostgresqlTable, rules: TableRules) -> None:
        self._table = table
        self._rules = rules
        self._known: dict[tuple[str | None, str | None], bool] = {}

    def refusal(self, error: psycopg.Error) -> Refusal | None:
        """Why a row is refused; None if no row is to blame, or the rule is one that the judge knows.

        The transaction has to be in order.
        """
        if _is_of_statement(error):
            return None
        diagnostic = error.diag
        asked = (diagnostic.sqlstate, diagnostic.constraint_name)
        if asked not in self._known:
            self._known[asked] = self._is_known(error)
        if self._known[asked]:
            return None
        message = diagnostic.message_primary or type(error).__name__
        if isinstance(error, pg.ForeignKeyViolation) and diagnostic.message_detail:
            message = f"{message}; {diagnostic.message_detail.rstrip('.')}"
        return Refusal(diagnostic.constraint_name or self._unnamed(error), message, self._column(diagnostic), error)

    def left_out(self, event: Event) -> Refusal | None:
        """What may have left a row out without a word, if anything."""
        names = [name for name, _, at_first in self._acting(event) if at_first]
        return Refusal(names[0], f"a trigger or rule ({', '.join(names)}) skips it") if names else None

    def acting(self) -> list[str]:
        """The names of all that acts on rows: triggers, rules, and foreign keys that follow other rows."""
        return sorted({name for event in _BITS for name, *_ in self._acting(event)} | self.following())

    def following(self) -> set[str]:
        """The names of foreign keys that change rows of the table along with those that they refer to."""
        found = self._table.transaction.execute(SQL(_FOLLOWING), {"table": self._table.name.as_string()})
        return {name for (name,) in found}

    def _column(self, diagnostic: psycopg.errors.Diagnostic) -> str | None:
        """The column whose value is refused; of a COPY only its context tells."""
        found = diagnostic.column_name or "".join(re.findall(r"^COPY .*, column ([^:]+)", diagnostic.context or "")[:1])
        return found if found in self._rules.names else None

    def _is_known(self, error: psycopg.Error) -> bool:
        if isinstance(error, pg.UniqueViolation):
            found = self._found(_IS_KNOWN_KEY, error.diag.constraint_name)
            keys = [set(key) for key in self._rules.candidate_keys]
            return any(of_key or (is_plain and set(columns) in keys) for of_key, is_plain, columns in found)
        if isinstance(error, pg.ForeignKeyViolation):
            ours = [self._declared_reference(own) for own in self._rules.straight]
            found = self._found(_REFERENCE, error.diag.constraint_name)
            return any((to, set(columns), set(targets)) in ours for to, columns, targets in found)
        return False

    def _declared_reference(self, own: Reference) -> tuple[int, set[str], set[str]]:
        name = spelled(self._rules.table.metadata.tables[own.parent]).as_string()
        number = self._table.transaction.value(SQL("SELECT to_regclass(%s)::oid"), (name,))
        return number, set(own.columns), set(own.targets)

    def _found(self, query: str, name: str | None) -> list[tuple[Any, ...]]:
        asked = {"table": self._table.name.as_string(), "name": name}
        return self._table.transaction.execute(SQL(query), asked).fetchall()

    def _unnamed(self, error: psycopg.Error) -> str:
        """What stands for the rule: the trigger in whose function it failed, or its sort."""
        context = error.diag.context or ""
        for event in ("INSERT", "UPDATE"):
            for name, function, _ in self._acting(event):
                if function and re.search(rf"(?<!\w){re.escape(function)}\(", context):
                    return name
        if isinstance(error, pg.InsufficientPrivilege):
            # A policy is named if it is not the lack of any.
            policy, *table = re.findall(r'"([^"]+)"', error.diag.message_primary or "") or [""]
            if table:
                return str(policy)
        return next((name for kind, name in _UNNAMED if isinstance(error, kind)), "trigger")

    def _acting(self, event: Event) -> list[tuple[str, str, bool]]:
        bits, rule = _BITS[event]
        asked = {"table": self._table.name.as_string(), "event": bits, "rule": rule}
        return self._table.transaction.execute(SQL(_TRIGGERS), asked).fetchall()


def _is_of_statement(error: psycopg.Error) -> bool:
    """Whether the server refuses a statement, whatever its rows: for lack of a privilege, or of what it names."""
    if isinstance(error, pg.InsufficientPrivilege):
        return error.diag.source_function not in _DENIES_ROWS
    if isinstance(error, pg.WithCheckOptionViolation):
        return False
    return isinstance(error, psycopg.ProgrammingError) and not error.diag.context
