"""What comparing and publishing do to a table, said once for every database, in statements of SQLAlchemy.

Rows wait in a *stage*, numbered as they came. `known` notes which of them have the key of a row of the table, and
whether that row is equal; what is not known is new. For a table of jobs with the rows (1, Clerk) and (2, Lawyer):

    stage                        known                 so that
    1 | 1 | Clerk                1 | equal             row 1 is unchanged
    2 | 2 | Judge                2 | not equal         row 2 is different
    3 | 3 | Smith                                      row 3 is new

A room whose database compares in another way, or says the same faster, has a plan of its own that derives from this
one (`differs`, `equal`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, cast

from sqlalchemy import (
    Alias,
    BigInteger,
    Boolean,
    ColumnElement,
    Delete,
    FromClause,
    Insert,
    Select,
    TableClause,
    Update,
    and_,
    case,
    column,
    delete,
    false,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    table,
    true,
    tuple_,
    update,
)

from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ROW_NUMBER, ColumnRule, TableRules

Rows = tuple[int, int]
"""Some consecutive row numbers: the first and the last of them."""

Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete

EQUAL = "equal"

_WIDE = 100
"""So many conditions may stand beside each other."""


def named_table(name: str, columns: Iterable[str], schema: str | None = None) -> TableClause:
    """A table as statements name it: its columns bring no types, and are compared as the database has them."""
    return table(name, *map(column, columns), schema=schema)


def table_of(rules: TableRules) -> TableClause:
    """The table that rules are for, as statements name it."""
    return named_table(rules.table.name, rules.names, rules.table.schema)


def numbered_table(name: str, columns: Iterable[str], schema: str | None = None) -> TableClause:
    """The same for rows that have a number."""
    return table(name, column(ROW_NUMBER, BigInteger), *map(column, columns), schema=schema)


def known_table(name: str, columns: Iterable[str] = (), schema: str | None = None) -> TableClause:
    """The same for what is known of rows by their number."""
    return table(name, column(ROW_NUMBER, BigInteger), column(EQUAL, Boolean), *map(column, columns), schema=schema)


@dataclass(frozen=True)
class Plan:
    """The statements for the rows of one stage on their way into a table; of those that differ, all values go in."""

    rules: TableRules
    table: TableClause
    stage: FromClause
    known: TableClause

    # What a database may know better

    checks_last: ClassVar[bool] = False
    """Whether references are checked only when the rows of all tables are in."""

    def differs(self, rule: ColumnRule) -> ColumnElement[bool]:
        """Whether the rows `s` and `t` have another value in a column."""
        return self.s.c[rule.name].is_distinct_from(self.t.c[rule.name])

    def told_apart(self, rule: ColumnRule, rows: FromClause) -> ColumnElement[Any]:
        """A column as rows are grouped by it: equal where `differs` finds no difference."""
        return rows.c[rule.name]

    def equal(self) -> ColumnElement[bool]:
        """Whether the rows `s` and `t` have the same values beside their key."""
        return _all_of([not_(self.differs(self.rules.by_name[name])) for name in self.rules.values])

    def is_new(self) -> ColumnElement[bool]:
        """Whether a row of the stage has a key that the table has not."""
        return ~self._exists(self.k, self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER])

    # Comparing

    def meets(self, key: str, bounds: Rows) -> Select[Any]:
        """Whether the table has a key within a range."""
        return select(self._exists(self.t, self.t.c[key].between(*bounds)))

    def note_known(self) -> Insert:
        """Note the rows whose key the table has, each once."""
        found = select(self.s.c[ROW_NUMBER], self.equal()).select_from(self._beside_table())
        return insert(self.known).from_select([ROW_NUMBER, EQUAL], found)

    def count_known(self, rows: Rows | None = None) -> Select[int, int]:
        """How many of the known rows, or of some of them, are equal, and how many different."""
        is_equal = self.k.c[EQUAL]
        counted = select(func.count(case((is_equal, 1))), func.count(case((not_(is_equal), 1)))).select_from(self.k)
        return counted if rows is None else counted.where(self.k.c[ROW_NUMBER].between(*rows))

    def different(self) -> Select[Any]:
        """The rows that differ: their number, and for each value whether it does; numbers ascending."""
        return self._different([self.s.c[ROW_NUMBER]]).order_by(self.s.c[ROW_NUMBER])

    # Publishing

    def insert_new(self, *, known: bool) -> Insert:
        """Insert the new rows; all of them where none is `known`."""
        return self.insert_rows(self._rows().where(self.is_new()) if known else self._rows())

    def insert_rows(self, rows: Select[Any]) -> Insert:
        """Insert some rows of the stage."""
        return insert(self.table).from_select(list(self.rules.names), rows)

    def update(self) -> Update:
        """Give the table's rows the values of those that differ from them."""
        kept = {*self.late, *self.named_by}
        changes = {name: self.s.c[name] for name in self.rules.values if name not in kept}
        changes = changes or {name: self.t.c[name] for name in self.late[:1]}
        differs = and_(self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER], not_(self.k.c[EQUAL]))
        return update(self.t).values(changes).where(differs, self._same_key(self.s, self.t))

    @property
    def named_by(self) -> tuple[str, ...]:
        """The columns by which a row of the stage is one of the table, and which never change."""
        return self.rules.key

    @property
    def late(self) -> tuple[str, ...]:
        """The columns that rows which are updated get when the rows of all tables are in."""
        return () if self.checks_last else self.rules.late

    @property
    def held_back(self) -> tuple[str, ...]:
        """The columns that are null until then in rows which are inserted."""
        return () if self.checks_last else self.rules.may_wait

    def complete(self, *, only_new: bool) -> Update:
        """Give rows, or those that are new, their values of the columns that came too early."""
        changes = {name: self.s.c[name] for name in self.late}
        lacks = or_(*(self.differs(self.rules.by_name[name]) for name in self.late))
        completed = update(self.t).values(changes).where(self._same_key(self.s, self.t), lacks)
        return completed.where(self.is_new()) if only_new else completed

    def remove_different(self) -> Delete:
        """Delete the rows of the table that differ, so that they can be inserted anew."""
        keys = self._of_different([self.s.c[name] for name in self.rules.key])
        return delete(self.t).where(key_of(self.rules.key, self.t).in_(keys))

    def insert_different(self) -> Insert:
        """Insert the rows that differ, once those of the table are gone."""
        return self.insert_rows(self._of_different([self.s.c[name] for name in self.rules.names]))

    # References, and rows that the database refuses

    def lacks_parent(self, reference: Reference, parent: FromClause) -> Select[Any]:
        """Whether a row of the stage refers to a row that is not there."""
        pairs = [*zip(reference.columns, reference.targets, strict=True)]
        there = self._exists(parent, and_(*(parent.c[theirs] == self.s.c[ours] for ours, theirs in pairs)))
        refers = (self.s.c[ours].is_not(None) for ours, _ in pairs)
        return select(self._exists(self.s, and_(*refers, ~there)))

    def only(self, rows: Rows) -> Self:
        """The same for some rows of the stage, as if there were no others: they refer to none of them."""
        numbered = self.s.c[ROW_NUMBER]
        apart = () if self.checks_last else self.rules.may_wait
        values = (self._absent(name) if name in apart else self.s.c[name] for name in self.rules.names)
        chosen = select(numbered, *values).where(numbered.between(*rows)).order_by(numbered)
        return replace(self, stage=chosen.subquery("s"))

    def count_new(self, *, known: bool) -> Select[Any]:
        """How many rows of the stage are new."""
        counted = select(func.count()).select_from(self.s)
        return counted.where(self.is_new()) if known else counted

    def count_different(self) -> Select[Any]:
        """How many rows of the stage differ from the table's."""
        differing = self._of_different([self.s.c[ROW_NUMBER]]).subquery("d")
        return select(func.count()).select_from(differing)

    def count_there(self, *, known: bool) -> Select[Any]:
        """How many of the new rows the table has by now, by their keys."""
        counted = select(func.count()).select_from(self._beside_table())
        return counted.where(self.is_new()) if known else counted

    # The parts of them

    @cached_property
    def t(self) -> Alias[Any]:
        """The table, as conditions name it."""
        return cast("Alias[Any]", self.table.alias("t"))

    @cached_property
    def s(self) -> FromClause:
        """The stage, as conditions name it."""
        return self.stage if self.stage.description == "s" else self.stage.alias("s")

    @cached_property
    def k(self) -> FromClause:
        """What is known, as conditions name it."""
        return self.known.alias("k")

    def _absent(self, name: str) -> ColumnElement[Any]:
        """Null of the type that a column has."""
        return case((false(), self.s.c[name])).label(name)

    def _rows(self) -> Select[Any]:
        held_back = self.held_back
        values = (self._absent(name) if name in held_back else self.s.c[name] for name in self.rules.names)
        return select(*values).select_from(self.s)

    def _same_key(self, ours: FromClause, theirs: FromClause) -> ColumnElement[bool]:
        return and_(*(theirs.c[name] == ours.c[name] for name in self.rules.key))

    def _keys_of(self, rows: FromClause) -> list[ColumnElement[Any]]:
        return [rows.c[name] for name in self.rules.key]

    def _beside_table(self) -> FromClause:
        """Each row of the stage beside the row of the table that has its key."""
        return self.s.join(self.t, self._same_key(self.s, self.t))

    def _of_different(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        known = self.k.join(self.s, self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER])
        return select(*columns).select_from(known).where(not_(self.k.c[EQUAL]))

    def _different(self, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        known = self.k.join(self.s, self.k.c[ROW_NUMBER] == self.s.c[ROW_NUMBER])
        beside = known.join(self.t, self._same_key(self.s, self.t))
        tests = (self.differs(self.rules.by_name[name]) for name in self.rules.values)
        flags = (case((test, 1), else_=0) for test in tests)
        return select(*columns, *flags).select_from(beside).where(not_(self.k.c[EQUAL]))

    def _exists(self, rows: FromClause, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(literal_column("1")).select_from(rows).where(condition).exists()


def _all_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Several conditions as one; of a thousand, in a tree that is not too deep for a database."""
    if len(conditions) <= _WIDE:
        return and_(true(), *conditions)
    half = len(conditions) // 2  # a conjunction within another one would become a part of it
    return case((_all_of(conditions[:half]), _all_of(conditions[half:])), else_=false())


def key_of(names: Sequence[str], rows: FromClause) -> Any:
    """A key as it may be looked for among others."""
    return rows.c[names[0]] if len(names) == 1 else tuple_(*(rows.c[name] for name in names))
