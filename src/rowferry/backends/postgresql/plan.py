"""How PostgreSQL compares, where that is not how every database does, and how it spells the statements of the plan."""

from functools import lru_cache
from typing import Any

from psycopg.sql import SQL
from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    FromClause,
    Insert,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles

from rowferry.backends.plan import EQUAL, Plan, named_table
from rowferry.backends.replacing_plan import DifferencesPlan, surplus_columns
from rowferry.backends.without_key import PlanWithoutKey
from rowferry.dictionary.rules import ROW_NUMBER, ColumnRule, TableRules

DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Only to spell statements and types, which have no parameters: the driver then takes each letter as it is."""


class _WithNumbers(Insert):
    """Inserts rows with their numbers where the table would number them itself (GENERATED ALWAYS)."""

    inherit_cache = False


@compiles(_WithNumbers)
def _with_numbers(insert: _WithNumbers, compiler: Any, **options: Any) -> str:
    spelled = str(compiler.visit_insert(insert, **options))
    assert insert.select is not None  # noqa: S101  # as it was made
    columns = ", ".join(map(compiler.preparer.quote, insert.select.selected_columns.keys()))
    return spelled.replace(f"({columns}) SELECT", f"({columns}) OVERRIDING SYSTEM VALUE SELECT", 1)


class PostgresqlPlan(Plan):
    """Texts are compared by their bytes, and so is what PostgreSQL spells in a way of its own.

    Whatever takes different texts for the same says so of its comparison, not of its values: a collation that is not
    deterministic, or the type citext.
    """

    @property
    def held_back(self) -> tuple[str, ...]:
        return self.rules.held_back  # rows of one statement may refer to each other

    def insert_rows(self, rows: Select[Any]) -> Insert:
        made = super().insert_rows(rows)
        if not any(column.generated for column in self.rules.columns):
            return made
        return _WithNumbers(self.table).from_select(list(self.rules.names), rows)

    def differs(self, rule: ColumnRule) -> ColumnElement[bool]:
        return self.told_apart(rule, self.s).is_distinct_from(self.told_apart(rule, self.t))

    def told_apart(self, rule: ColumnRule, rows: FromClause) -> ColumnElement[Any]:
        value = super().told_apart(rule, rows)
        if function := rule.kind.compared_by_postgresql:
            made: ColumnElement[Any] = getattr(func, function)(value)
            return made
        by_spelling = rule.kind.is_text or rule.kind.spelled_in_postgresql
        return cast(value, Text).collate("C") if by_spelling else value


class PostgresqlReplacingPlan(PostgresqlPlan, DifferencesPlan):
    """The same for a replacer."""

    def all_but_equal(self) -> Select[Any]:
        """What `known` has: all rows of both sides that have no equal; keys only where they are surplus."""
        key, number = self.t.c[self.rules.key[0]], self.s.c[ROW_NUMBER]
        both = self.t.join(self.s, self._same_key(self.s, self.t), full=True)
        is_equal = case((and_(number.is_not(None), key.is_not(None)), false())).label(EQUAL)
        pairs = zip(self._keys_of(self.t), surplus_columns(self.rules.key), strict=True)
        # What is kept should be small.
        kept = [case((number.is_(None), column)).label(name) for column, name in pairs]
        differs = or_(number.is_(None), key.is_(None), not_(self.equal()))
        return select(number, is_equal, *kept).select_from(both).where(differs)


class PostgresqlPlanWithoutKey(PostgresqlPlan, PlanWithoutKey):
    """The same for a table without a key."""


def as_text(clause: ClauseElement) -> bytes:
    """A statement, or a part of one, as the driver takes it."""
    return str(clause.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})).encode()


@lru_cache(maxsize=10_000)
def differs(rules: TableRules, name: str) -> SQL:
    """The condition that the rows `s` and `t` have another value in a column, for a statement with parameters."""
    rows = named_table("given", [name])
    found = PostgresqlPlan(rules, rows, rows, rows).differs(rules.by_name[name])
    return SQL(as_text(found).decode().replace("%", "%%"))  # as SQLAlchemy spelled it
