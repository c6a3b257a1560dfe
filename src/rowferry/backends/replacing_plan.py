"""The statements for rows that are to be all a table has: what the plan of every writer says, and what is surplus."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Delete,
    FromClause,
    Insert,
    Select,
    Subquery,
    TableClause,
    Update,
    and_,
    delete,
    func,
    insert,
    not_,
    null,
    or_,
    select,
    update,
)

from rowferry.backends.plan import EQUAL, Plan, key_of
from rowferry.dictionary.rules import ROW_NUMBER


def surplus_columns(key: Sequence[str]) -> list[str]:
    """The columns of a table that notes keys: no name of a column of ours is among them."""
    return [f"rowferry_key_{at}" for at in range(len(key))]


def surplus_among(known: TableClause, key: Sequence[str]) -> Subquery:
    """What is surplus where `known` notes it as well: the rows that have no number."""
    return select(*(known.c[name] for name in surplus_columns(key))).where(known.c[ROW_NUMBER].is_(None)).subquery()


@dataclass(frozen=True)
class ReplacingPlan(Plan):
    """The same for rows that are to be all the table has; `surplus` has the keys that no row of the stage has."""

    surplus: TableClause | Subquery

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns of the table, in the order of those of `surplus`, whose values tell which row is meant."""
        return self.rules.key

    def note_surplus(self) -> Insert:
        """Note the keys of the table that no row of the stage has."""
        assert isinstance(self.surplus, TableClause)  # noqa: S101  # for the type checker
        return insert(self.surplus).from_select(surplus_columns(self.row_key), self._surplus_keys())

    def count_surplus(self) -> Select[Any]:
        """How many rows are surplus."""
        return select(func.count()).select_from(self.surplus)

    def remove_surplus(self) -> Delete:
        """Delete the surplus rows."""
        return delete(self.t).where(self._is_among_surplus())

    def count_left(self) -> Select[Any]:
        """How many surplus rows the table has still."""
        surplus = self.surplus.alias("g")
        return select(func.count()).select_from(surplus.join(self.t, self._is_surplus(surplus)))

    def release_surplus(self) -> Update:
        """Let surplus rows refer to nothing that comes later, so that it can be deleted before them."""
        nothing = {name: null() for name in self.held_back}
        return update(self.t).values(nothing).where(self._is_among_surplus())

    def first_new(self, count: int, *, known: bool) -> Select[Any]:
        """The keys of the first new rows."""
        found = (
            select(*(self.s.c[name] for name in self.rules.identity)).select_from(self.s).order_by(self.s.c[ROW_NUMBER])
        )
        return (found.where(self.is_new()) if known else found).limit(count)

    def first_different(self, count: int) -> Select[Any]:
        """Of the first rows that differ, the columns `named_by`, and for each value whether it does."""
        keys = [self.s.c[name] for name in self.named_by]
        return self._different(keys).order_by(*keys).limit(count)

    def first_surplus(self, count: int) -> Select[Any]:
        """The first surplus keys."""
        return select(*self.surplus.c).order_by(*self.surplus.c).limit(count)

    def count_referring(self, child: FromClause, refers: ColumnElement[bool]) -> Select[Any]:
        """How many rows of another table, by a condition on it and `t`, refer to surplus rows."""
        return select(func.count()).select_from(self._referring(child, refers))

    def first_referred(
        self, child: FromClause, refers: ColumnElement[bool], names: Sequence[str], count: int
    ) -> Select[Any]:
        """The first values of some columns in surplus rows that rows of another table refer to."""
        found = [self.t.c[name] for name in names]
        return select(*found).distinct().select_from(self._referring(child, refers)).order_by(*found).limit(count)

    def count_moved(self, child: FromClause, refers: ColumnElement[bool], targets: Sequence[str]) -> Select[Any]:
        """How many rows of another table refer to rows that get other values in some of the columns `targets`."""
        return self._moved([func.count()], targets, child, refers)

    def count_moving(self, targets: Sequence[str]) -> Select[Any]:
        """How many rows get other values in some columns."""
        return self._moved([func.count()], targets)

    def first_moved(
        self, child: FromClause, refers: ColumnElement[bool], targets: Sequence[str], names: Sequence[str], count: int
    ) -> Select[Any]:
        """The first values of some columns in such rows."""
        found = [self.t.c[name] for name in names]
        return self._moved(found, targets, child, refers).distinct().order_by(*found).limit(count)

    def _surplus_keys(self) -> Select[Any]:
        beside = self.t.join(self.s, self._same_key(self.s, self.t), isouter=True)
        return select(*self._keys_of(self.t)).select_from(beside).where(self.s.c[ROW_NUMBER].is_(None))

    def _referring(self, child: FromClause, refers: ColumnElement[bool]) -> FromClause:
        surplus = self.surplus.alias("g")
        return child.join(self.t, refers).join(surplus, self._is_surplus(surplus))

    def _moved(
        self,
        columns: Sequence[ColumnElement[Any]],
        targets: Sequence[str],
        child: FromClause | None = None,
        refers: ColumnElement[bool] | None = None,
    ) -> Select[Any]:
        known = self.k.join(self.s, self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER])
        beside = known.join(self.t, self._same_key(self.s, self.t))
        beside = beside if child is None else beside.join(child, refers)
        moved = or_(*(self.differs(self.rules.by_name[name]) for name in targets))
        return select(*columns).select_from(beside).where(not_(self.k.c[EQUAL]), moved)

    def _is_among_surplus(self) -> ColumnElement[bool]:
        """Whether a row of the table is surplus, as a condition on it alone."""
        is_among: ColumnElement[bool] = key_of(self.row_key, self.t).in_(select(*self.surplus.c))
        return is_among

    def _is_surplus(self, surplus: FromClause) -> ColumnElement[bool]:
        """Whether a row of the table is that of a row of `surplus`."""
        return and_(*(self.t.c[name] == kept for name, kept in zip(self.row_key, surplus.c, strict=True)))


class DifferencesPlan(ReplacingPlan, ABC):
    """Here `known` has only what differs, as most rows of a table do not.

    A row of it without a number is surplus; one that is not known to be equal or different is new.
    """

    def is_new(self) -> ColumnElement[bool]:
        is_this = and_(self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER], self.k.c[EQUAL].is_(None))
        return self._exists(self.k, is_this)

    @abstractmethod
    def all_but_equal(self) -> Select[Any] | CompoundSelect[Any]:
        """What `known` has."""
