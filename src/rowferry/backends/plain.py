"""All that a database needs to be served, by plain SQLAlchemy: complete and correct, and as fast as it happens to be.

A room derives from these classes, and says what SQLAlchemy does not know: how a value is bound, how a table is kept
from other writers, and what the errors of its driver mean.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    CursorResult,
    FromClause,
    MetaData,
    Select,
    Table,
    TableClause,
    and_,
    case,
    inspect,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateTable, DropTable
from sqlalchemy.types import TypeEngine

from rowferry.backends.plan import EQUAL, Plan, Statement, known_table, named_table, numbered_table, table_of
from rowferry.backends.protocol import Holders
from rowferry.backends.refusals import Judged, Refusal
from rowferry.backends.replacing_plan import ReplacingPlan, surplus_among, surplus_columns
from rowferry.backends.staged import ChildTable, StagedRefusalsFound, StagedReplacer, StagedWriter
from rowferry.backends.without_key import PlanWithoutKey
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.errors import ForeignKeyBroken, ParentsVanished
from rowferry.kinds.registry import kind_of

Columns = dict[str, TypeEngine[Any]]


class PlainTransaction(ABC):
    """Implements Transaction and ShortTransaction."""

    def __init__(self, connection: Connection, *, careful: bool = False) -> None:
        self.connection = connection
        self.notes: dict[str, list[str]] = {}
        self._careful = careful
        self._made, self._numbers = set[str](), count()

    def writer(
        self,
        rules: TableRules,
        *,
        bulk: bool = False,  # noqa: ARG002  # many rows go the same way
        dry_run: bool,
        remaining: Callable[[], float] | None = None,  # noqa: ARG002  # none goes early
    ) -> "PlainWriter":
        return (CarefulWriter if self._careful else PlainWriter)(self, rules, dry_run=dry_run)

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> "PlainReplacer":  # noqa: ARG002  # as above
        return (CarefulReplacer if self._careful else PlainReplacer)(self, rules, dry_run=dry_run)

    def few_rows_writer(self, rules: TableRules) -> "PlainWriter":
        return self.writer(rules, dry_run=False)

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        self.insert(named_table(table.name, rows.schema.names, table.schema), rows)

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        wanted = pa.array(values, kind_of(table.c[column].type, self.connection.dialect.name)[1])
        with self.given({column: table.c[column].type}, [wanted]) as rows:
            there = named_table(table.name, [column], table.schema).alias("t")
            find = select(rows.c[ROW_NUMBER]).distinct().join_from(rows, there, there.c[column] == rows.c[column])
            return [values[at] for (at,) in self.connection.execute(find)]

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        return self.known(rules, tuple(rows.schema.names), rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:  # noqa: ARG002  # see below
        """None: each parent is asked for by `existing`. A room that can read them in order does so here."""
        return pa.array([], pa.int64())

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        with self._given(rules, key, rows) as given:
            there = table_of(rules).alias("t")
            same = and_(*(there.c[name] == given.c[name] for name in key))
            # Where the table has no index, a database makes one for a join, but not for each row's question.
            find = select(given.c[ROW_NUMBER]).distinct().join_from(given, there, same).order_by(given.c[ROW_NUMBER])
            return list(self.connection.scalars(find))

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        both = tuple(dict.fromkeys((*names, *rules.key)))
        with self._given(rules, both, rows) as given:
            there = table_of(rules).alias("t")
            holds = and_(*(there.c[name] == given.c[name] for name in names))
            is_same = and_(*(there.c[name] == given.c[name] for name in rules.key))
            find = select(given.c[ROW_NUMBER], *(there.c[name] for name in rules.key))
            is_other = or_(not_(is_same), *(given.c[name].is_(None) for name in rules.key))
            find = find.select_from(given.join(there, and_(holds, is_other))).order_by(given.c[ROW_NUMBER])
            return [(at, self.read_key(rules, key)) for at, *key in self.connection.execute(find)]

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        """What `Backend.failed_checks` finds."""
        batch = pa.RecordBatch.from_pylist(rows, schema=rules.schema)
        with self._given(rules, rules.names, batch) as given:
            verdicts = (case((literal_column(f"({check.sql}) IS FALSE"), 1), else_=0) for check in rules.checks)
            judged = self.connection.execute(select(given.c[ROW_NUMBER], *verdicts)).all()
            return [(at, name) for at, *broken in judged for name in rules.names_of_checks(broken)]

    def insert(self, table: TableClause, rows: pa.RecordBatch) -> None:
        """Insert rows as they are."""
        if rows.num_rows:
            bound = zip(*map(self.bound, rows.columns), strict=True)
            self.connection.execute(table.insert(), [dict(zip(rows.schema.names, row, strict=True)) for row in bound])

    def make(self, purpose: str, columns: Columns) -> str:
        """Make a table that nobody else sees, until `clean`; its name. Numbers of rows are unique, as far as given."""
        name = f"rowferry_{purpose}_{next(self._numbers)}"
        self._made.add(name)
        made = [Column(of, kind, unique=of == ROW_NUMBER) for of, kind in columns.items()]
        self.connection.execute(CreateTable(Table(name, MetaData(), *made, prefixes=["TEMPORARY"])))
        return name

    def clean(self) -> None:
        """Drop all tables that were made, once the transaction has ended."""
        for name in [*self._made]:
            self._drop(name)
        self.connection.commit()

    def _drop(self, name: str) -> None:
        self.connection.execute(DropTable(Table(name, MetaData()), if_exists=True))
        self._made.remove(name)

    @contextmanager
    def given(self, columns: Columns, values: Sequence[pa.Array]) -> Iterator[FromClause]:
        """Rows in a table of their own, numbered from 0 on."""
        name = self.make("given", {ROW_NUMBER: BigInteger(), **columns})
        rows = numbered_table(name, columns)
        numbers = pa.array(range(len(values[0])), pa.int64())
        self.insert(rows, pa.RecordBatch.from_arrays([numbers, *values], [ROW_NUMBER, *columns]))
        yield rows
        self._drop(name)

    @contextmanager
    def _given(self, rules: TableRules, names: Sequence[str], rows: pa.RecordBatch) -> Iterator[FromClause]:
        types = {name: rules.table.c[name].type for name in names}
        with self.given(types, [rows.column(name) for name in names]) as given:
            yield given

    # What a room says

    @abstractmethod
    def lock(self, rules: TableRules) -> None:
        """Let nobody else write to a table, nor delete what it refers to, until the end of the transaction."""

    @abstractmethod
    def defer_references(self) -> None:
        """Check references at the end of the transaction, as far as they may be checked then."""

    @abstractmethod
    def place(self, rules: TableRules) -> Columns:
        """The columns that tell where a row of a table without a key lies, and their types."""

    @abstractmethod
    def bound(self, column: pa.Array) -> list[Any]:
        """Values as the driver takes them."""

    @abstractmethod
    def read_key(self, rules: TableRules, values: Sequence[Any]) -> tuple[object, ...]:
        """A key as the driver gives it, in values of the columns."""

    @abstractmethod
    def require_kept(self, rules: TableRules, rows: pa.RecordBatch) -> None:
        """Raise ValueUnkept for a value that another database held and this one does not keep."""

    @abstractmethod
    def is_reference_broken(self, error: IntegrityError) -> bool:
        """Whether a foreign key is broken."""

    @abstractmethod
    def is_unique_broken(self, error: IntegrityError) -> bool:
        """Whether a value is there twice."""

    @abstractmethod
    def may_rewrite(self, rules: TableRules) -> bool:
        """Whether a row may be removed and inserted anew instead of changed: nothing refers to it or acts upon it."""

    @abstractmethod
    def judged(self, rules: TableRules) -> "PlainJudged":
        """What the database says of rows that it refuses."""


class PlainJudged(Judged, ABC):
    """The same, by the errors of the driver."""

    @abstractmethod
    def refusal(self, error: DBAPIError | ForeignKeyBroken) -> Refusal | None:
        """Why a row is refused; None if it is not for the row, or if the rule is one that the judge knows."""

    @abstractmethod
    def require_parents(self, rows: Select[Any]) -> None:
        """Raise ForeignKeyBroken if some rows refer to nothing by what the model has not, also where this may wait."""

    @abstractmethod
    def acting(self) -> list[str]:
        """The names of what acts on rows of the table: triggers, rules, and foreign keys that follow other rows."""


class PlainWriter(StagedWriter):
    """Rows wait in a temporary table."""

    def __init__(self, transaction: PlainTransaction, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(rules, dry_run=dry_run)
        self._transaction = transaction
        columns = {name: rules.table.c[name].type for name in rules.names}
        self._stage = numbered_table(transaction.make("stage", {**columns, ROW_NUMBER: BigInteger()}), rules.names)
        self._plan = self._planned(table_of(rules))
        self._known = self._plan.known

    def _planned(self, table: TableClause) -> Plan:
        return Plan(self._rules, table, self._stage, self._noted({}))

    def _noted(self, columns: Columns) -> TableClause:
        """A table for what is known of rows."""
        name = self._transaction.make("known", {ROW_NUMBER: BigInteger(), EQUAL: Boolean(), **columns})
        return known_table(name, columns)

    def end(self) -> None:
        """All rows are where they wait."""

    def _run(self, statement: Statement) -> CursorResult[Any]:
        return self._transaction.connection.execute(statement)

    def _fill(self, rows: pa.RecordBatch) -> None:
        self._transaction.insert(self._stage, rows)

    def _lock(self) -> None:
        self._transaction.lock(self._rules)

    def _make_known(self) -> None:
        self._run(self._known.delete())

    @contextmanager
    def _foreign_keys(self) -> Iterator[None]:
        self._require_parents(self._rules.straight)
        if self._rules.must_be_deferred:
            self._transaction.defer_references()
        try:
            yield
        except IntegrityError as error:
            if not self._transaction.is_reference_broken(error):
                raise
            self._require_parents(self._rules.straight)
            raise ForeignKeyBroken(reason=f"{self._rules.name} ({error.orig})") from error

    def _require_circular(self) -> None:
        self._require_parents(self._rules.circular)

    def _require_parents(self, references: Iterable[Reference]) -> None:
        for reference in references:
            of = self._rules.table.metadata.tables[reference.parent]
            parent = named_table(of.name, reference.targets, of.schema).alias("p")
            if self._run(self._plan.lacks_parent(reference, parent)).scalar():
                raise ParentsVanished

    def _update(self) -> int:
        try:
            with self._transaction.connection.begin_nested():
                return super()._update()
        except IntegrityError as error:
            moves = self._transaction.is_unique_broken(error) and self._transaction.may_rewrite(self._rules)
            if not (moves and self._rules.is_whole):
                raise
            return self._rewrite()


class PlainReplacer(PlainWriter, StagedReplacer):
    """The same for rows that are to be all that the table holds."""

    def _planned(self, table: TableClause) -> ReplacingPlan:
        rules, make = self._rules, self._transaction.make
        if rules.key:
            types = (rules.table.c[name].type for name in rules.key)
            keys = dict(zip(surplus_columns(rules.key), types, strict=True))
            surplus = named_table(make("surplus", keys), keys)
            return ReplacingPlan(rules, table, self._stage, self._noted({}), surplus)
        place = self._transaction.place(rules)
        known = self._noted(dict(zip(surplus_columns([*place]), place.values(), strict=True)))
        table = named_table(rules.table.name, dict.fromkeys((*rules.names, *place)), rules.table.schema)
        return PlanWithoutKey(rules, table, self._stage, known, surplus_among(known, [*place]), tuple(place))

    def write(self, rows: pa.RecordBatch) -> None:
        self._transaction.require_kept(self._rules, rows)
        super().write(rows)

    def acting(self) -> list[str]:
        return self._transaction.judged(self._rules).acting()

    def _find_surplus(self) -> int:
        if isinstance(self._plan.surplus, TableClause):
            self._run(self._plan.surplus.delete())
            self._run(self._plan.note_surplus())
        return int(self._run(self._plan.count_surplus()).scalar_one())

    def _children(self, among: Collection[str]) -> Iterable[ChildTable]:
        of = self._rules.table
        for (schema, name), keys in self._all_foreign_keys():
            key_of_child = f"{schema}.{name}" if schema else name
            for key in keys if key_of_child not in among else ():
                if (key["referred_schema"], key["referred_table"]) == (of.schema, of.name):
                    ours, theirs = key["constrained_columns"], key["referred_columns"] or self._rules.key
                    rows = named_table(name, ours, schema).alias("c")
                    pairs = zip(ours, theirs, strict=True)
                    refers = and_(*(self._plan.t.c[other] == rows.c[mine] for mine, other in pairs))
                    follows = key.get("options", {}).get("onupdate") == "CASCADE"
                    moving = self._moving(theirs, follows=follows)
                    if self._surplus or moving:
                        yield ChildTable(key_of_child, tuple(ours), tuple(theirs), moving, rows, refers)

    def _all_foreign_keys(self) -> Iterator[tuple[Any, Any]]:
        """The foreign keys of all tables in the schemas of the models, by schema and name."""
        looked_at = inspect(self._transaction.connection)
        for schema in {table.schema for table in self._rules.table.metadata.tables.values()}:
            yield from looked_at.get_multi_foreign_keys(schema=schema).items()


class CarefulWriter(StagedRefusalsFound, PlainWriter):
    """Finds the rows that the database refuses."""

    _tries: "PlainTries"

    def __init__(self, transaction: PlainTransaction, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(transaction, rules, dry_run=dry_run)
        self._tries = PlainTries(transaction, rules)

    def _publish(self, *, update: bool) -> tuple[int, int]:
        done = super()._publish(update=update)
        self._tries.judged.require_parents(select(self._plan.s))
        return done


class CarefulReplacer(CarefulWriter, PlainReplacer):
    """The same for a restore."""


class PlainTries:
    """What can be tried with rows of a table without harm to the transaction."""

    def __init__(self, transaction: PlainTransaction, rules: TableRules) -> None:
        self._connection = transaction.connection
        self.judged = transaction.judged(rules)

    def tried(self, put_in: Callable[[], Refusal | None]) -> Refusal | None:
        """Why rows cannot be put in; then nothing of it stays. Raises what the judge knows of."""
        savepoint = self._connection.begin_nested()
        try:
            refusal = put_in()
        except (DBAPIError, ForeignKeyBroken) as error:
            savepoint.rollback()
            refusal = self.judged.refusal(error)
            if refusal is None:
                raise
            return refusal
        if refusal:
            savepoint.rollback()
        else:
            savepoint.commit()
        return refusal
