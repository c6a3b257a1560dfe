"""How SQLite compares, where that is not how every database does, and how it spells the statements of the plan."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ClauseElement,
    ColumnElement,
    FromClause,
    Insert,
    Select,
    Update,
    and_,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite

from rowferry.backends.plan import Plan, key_of
from rowferry.backends.replacing_plan import ReplacingPlan
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.values import all_of, same, staged_form, usual_form
from rowferry.backends.without_key import PlanWithoutKey
from rowferry.dictionary.rules import ROW_NUMBER, ColumnRule

_DIALECT = sqlite.dialect()


@dataclass(frozen=True)
class SqlitePlan(Plan):
    """Values are compared by what they stand for, in whatever form others wrote them.

    `resolving` is what makes statements fail at a constraint whose own clause would let rows vanish in silence.
    """

    checks_last = True

    resolving: str = ""

    def told_apart(self, rule: ColumnRule, rows: FromClause) -> ColumnElement[Any]:
        value = f"{rows.description}.{quoted(rule.name)}"
        return literal_column(staged_form(rule, value) if rows is self.s else usual_form(rule, value))

    def differs(self, rule: ColumnRule) -> ColumnElement[bool]:
        return _flag(f"CASE WHEN {self._same(rule)} THEN 0 ELSE 1 END")

    def equal(self) -> ColumnElement[bool]:
        tests = [self._same(self.rules.by_name[name]) for name in self.rules.values]
        return _flag(f"CASE WHEN {all_of(tests)} THEN 1 ELSE 0 END")

    def insert_rows(self, rows: Select[Any]) -> Insert:
        return super().insert_rows(rows).prefix_with(self.resolving)

    def update(self) -> Update:
        return super().update().prefix_with(self.resolving)

    def rows_waiting(self) -> str:
        """The rows of the stage, as a table in a statement."""
        return f"({as_text(select(self.s))})"

    def _rows(self) -> Select[Any]:
        return super()._rows().order_by(self.s.c[ROW_NUMBER])

    def _same(self, rule: ColumnRule) -> str:
        return same(rule, f"s.{quoted(rule.name)}", f"t.{quoted(rule.name)}")


@dataclass(frozen=True, kw_only=True)
class SqliteReplacingPlan(SqlitePlan, ReplacingPlan):
    """The same for a replacer."""

    def _surplus_keys(self) -> Select[Any]:
        """By a set of the keys of the stage: to join it, SQLite would read all of it for each row of the table."""
        kept = select(*self._keys_of(self.s))
        return select(*self._keys_of(self.t)).where(key_of(self.rules.key, self.t).not_in(kept))

    def _is_surplus(self, surplus: FromClause) -> ColumnElement[bool]:
        """With the plus, SQLite does not convert what it compares, which would keep it from looking keys up."""
        pairs = zip(self.rules.key, surplus.c, strict=True)
        return and_(*(literal_column(f"+t.{quoted(name)}") == kept for name, kept in pairs))


@dataclass(frozen=True, kw_only=True)
class SqlitePlanWithoutKey(SqlitePlan, PlanWithoutKey):
    """The same for a table without a key."""


def as_text(clause: ClauseElement) -> str:
    """A statement, or a part of one, without parameters."""
    return str(clause.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _flag(sql: str) -> ColumnElement[bool]:
    return literal_column(f"({sql})", Boolean)
