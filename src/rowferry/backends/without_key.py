"""How a table without a key is compared with the rows that are to be all it holds: by their values, and how often.

Rows are equal as often as both sides have them. Of the others, a row of the stage and one of the table that have the
same values of some columns which are unique are one row that differs; the rest is new, or surplus. A row of the table
is known by its place, so that one of several equal rows can be surplus.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Delete,
    FromClause,
    Insert,
    Select,
    Subquery,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    not_,
    null,
    select,
    union_all,
)

from rowferry.backends.plan import EQUAL, key_of
from rowferry.backends.replacing_plan import DifferencesPlan, surplus_columns
from rowferry.dictionary.foreign_keys import referred_columns
from rowferry.dictionary.rules import ROW_NUMBER

_AT, _OURS, _ALL = "rowferry_at", "rowferry_ours", "rowferry_all"


@dataclass(frozen=True)
class PlanWithoutKey(DifferencesPlan):
    """`place` are columns, as the table has them, whose values tell where a row of it lies."""

    place: tuple[str, ...]

    @property
    def row_key(self) -> tuple[str, ...]:
        return self.place

    @cached_property
    def alike_by(self) -> tuple[str, ...]:
        """The columns by which a row is one of the table with other values; none if no values are unique."""
        referred = referred_columns(self.rules.table.metadata).get(self.rules.table.key, ())
        first = [names for names in self.rules.unique if frozenset(names) in referred]
        return next(iter([*first, *self.rules.unique]), ())

    @property
    def named_by(self) -> tuple[str, ...]:
        return self.alike_by

    def note_known(self) -> Insert:
        return insert(self.known).from_select([ROW_NUMBER, EQUAL, *self._places], self.all_but_equal())

    def count_known(self, rows: tuple[int, int] | None = None) -> Select[int, int]:  # noqa: ARG002  # of all rows only
        staged = select(func.count()).select_from(self.s).scalar_subquery()
        equal = staged - func.count(self.k.c[ROW_NUMBER])
        return select(equal, func.count(case((not_(self.k.c[EQUAL]), 1)))).select_from(self.k)

    def all_but_equal(self) -> Select[Any] | CompoundSelect[Any]:
        """What `known` has: the rows of both sides that the other one has less often."""
        return self._in_pairs() if self.alike_by else self._by_themselves()

    def remove_different(self) -> Delete:
        different = select(*(self.k.c[name] for name in self._places)).where(not_(self.k.c[EQUAL]))
        return delete(self.t).where(key_of(self.place, self.t).in_(different))

    def first_surplus(self, count: int) -> Select[Any]:
        """Some surplus rows."""
        surplus = self.surplus.alias("g")
        found = select(*(self.t.c[name] for name in self.rules.names))
        found = found.select_from(self.t.join(surplus, self._is_surplus(surplus)))
        return found.order_by(*(self.t.c[name] for name in self.place)).limit(count)

    # The parts of them

    def _by_themselves(self) -> Select[Any]:
        """If no row is another one with other values, and SQLite would look for one again and again."""
        unlike = self._unlike().subquery("unlike")
        differs = case((false(), false())).label(EQUAL)
        return select(unlike.c[ROW_NUMBER], differs, *(unlike.c[name] for name in self._places))

    def _in_pairs(self) -> CompoundSelect[Any]:
        unlike = self._unlike().cte("unlike")
        ours, theirs = unlike.alias("o"), unlike.alias("x")
        is_pair = self._is_pair(ours, theirs)
        number, place = ours.c[ROW_NUMBER], [theirs.c[name] for name in self._places]
        differs = case((place[0].is_not(None), false())).label(EQUAL)
        staged = select(number, differs, *place).select_from(ours.join(theirs, is_pair, isouter=True))
        nothing = [null().label(ROW_NUMBER), null().label(EQUAL)]
        surplus = select(*nothing, *place).select_from(theirs.join(ours, is_pair, isouter=True))
        return union_all(
            staged.where(number.is_not(None)), surplus.where(theirs.c[ROW_NUMBER].is_(None), number.is_(None))
        )

    @property
    def _places(self) -> list[str]:
        return surplus_columns(self.place)

    def _same_key(self, ours: FromClause, theirs: FromClause) -> ColumnElement[bool]:  # noqa: ARG002  # as it was noted
        """Whether the row `theirs` is the one that was noted beside that of the stage."""
        pairs = zip(self.place, self._places, strict=True)
        return and_(*(theirs.c[name] == self.k.c[noted] for name, noted in pairs))

    def _is_pair(self, ours: FromClause, theirs: FromClause) -> ColumnElement[bool]:
        """Whether a row of the stage and one of the table are the same row with other values."""
        same = (ours.c[_value(name)] == theirs.c[_value(name)] for name in map(self._at, self.alike_by))
        return and_(ours.c[ROW_NUMBER].is_not(None), theirs.c[ROW_NUMBER].is_(None), *same)

    def _unlike(self) -> Select[Any]:
        """The rows of both sides that the other one has less often."""
        counted = self._counted()
        ours, number = counted.c[_OURS], counted.c[ROW_NUMBER]
        others = case((number.is_(None), ours), else_=counted.c[_ALL] - ours)
        kept = [number, *(counted.c[name] for name in self._places)]
        kept += [counted.c[_value(self._at(name))] for name in self.alike_by]
        return select(*kept).where(counted.c[_AT] > others)

    def _counted(self) -> Subquery:
        """All rows of both sides: which of those that are alike each is on its side, and how many there are."""
        both = union_all(self._side(self.s), self._side(self.t)).subquery("both_sides")
        number, values = both.c[ROW_NUMBER], [both.c[_value(at)] for at in range(len(self.rules.columns))]
        at = func.row_number().over(partition_by=[*values, number.is_(None)], order_by=number)
        ours, everything = (func.count(*of).over(partition_by=values) for of in ([number], []))
        return select(*both.c, at.label(_AT), ours.label(_OURS), everything.label(_ALL)).subquery("counted")

    def _side(self, rows: FromClause) -> Select[Any]:
        """The rows of the stage, or those of the table: number, place, and values as they are told apart."""
        if rows is self.s:
            known = [rows.c[ROW_NUMBER], *(null().label(name) for name in self._places)]
        else:
            pairs = zip(self.place, self._places, strict=True)
            known = [null().label(ROW_NUMBER), *(rows.c[name].label(noted) for name, noted in pairs)]
        values = (self.told_apart(rule, rows).label(_value(at)) for at, rule in enumerate(self.rules.columns))
        return select(*known, *values).select_from(rows)

    def _at(self, name: str) -> int:
        return self.rules.names.index(name)


def _value(at: int) -> str:
    return f"rowferry_value_{at}"
