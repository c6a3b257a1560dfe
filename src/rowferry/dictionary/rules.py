"""The rules of a table, as they follow from its columns and constraints."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar, cast

import pyarrow as pa
from sqlalchemy import CheckConstraint, Column, Table
from sqlalchemy.exc import CompileError

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, at_most, only
from rowferry.dictionary.defaults import Default, default_for
from rowferry.dictionary.faults import Fault, RejectCode, shown
from rowferry.dictionary.foreign_keys import Reference, judged_keys, reference_of, referred_columns, unique_columns
from rowferry.dictionary.load_order import circle_of, load_order
from rowferry.kinds.kind import Kind
from rowferry.kinds.registry import served_by
from rowferry.kinds.texts import Text
from rowferry.kinds.unfit import OutOfRangeError, UnfitError


@dataclass(frozen=True)
class ColumnRule:
    """What a value of one column must be."""

    name: str
    kind: Kind
    arrow: pa.DataType
    required: bool
    max_length: int | None
    doc: str
    default: Default | None = None
    """What fills it where it is left out; None if it has to be given."""
    generated: bool = False
    """Whether the database makes all its values, so that none can be given but those of a backup."""

    @cached_property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest integer that the column holds."""
        return self.kind.bounds(self.arrow)

    def judge(self, text: str | None, *, present: bool = False) -> tuple[object, Fault | None]:
        """The value of one text, or what is wrong with it; None is a missing one.

        A text that is empty or white space is missing, too, unless it is known to have been `present` in the table.
        """
        kept = present and isinstance(self.kind, Text)
        if text is None or (not kept and (not text or text.isspace())):
            missing = Fault(self.name, RejectCode.REQUIRED, f"{self.name} is required") if self.required else None
            return None, missing
        try:
            value = self.kind.parse(text)
        except OutOfRangeError as error:
            return None, self.out_of_range(text, str(error))
        except UnfitError as error:
            message = f"{self.name} must be {self.kind.noun}, not {shown(text)}{_because(error)}"
            return None, Fault(self.name, RejectCode.TYPE, message)
        return value, self._misfit(value, text)

    def read(self, texts: pa.StringArray) -> tuple[pa.Array, Mask]:
        """Values of a column of texts, and where they are sure: there `judge` finds the same value and no fault.

        All others are null.
        """
        values, sure = self.kind.read(texts, self.arrow)
        if self.max_length and not (short := at_most(texts, self.kind.characters(self.max_length))).all():
            sure &= short
            values = only(values, sure)
        if not self.required:
            missing = pc.equal(pc.binary_length(texts), pa.scalar(0, pa.int32()))
            values = pc.if_else(missing, pa.scalar(None, self.arrow), values)
            sure |= missing.to_numpy(zero_copy_only=False)
        return values, sure

    def _misfit(self, value: object, text: str) -> Fault | None:
        if self.max_length and isinstance(value, str | bytes) and len(value) > self.max_length:
            unit = "characters" if isinstance(value, str) else "bytes"
            message = f"{self.name} must have at most {self.max_length} {unit}, not {len(value)}"
            return Fault(self.name, RejectCode.LENGTH, message)
        return None if self.kind.holds(value, self.arrow) else self.out_of_range(text)

    def out_of_range(self, text: str, because: object = "") -> Fault:
        """The fault of a text that fits its grammar, but not its column."""
        message = f"{self.name} must {self.kind.limits(self.arrow)}, not {shown(text)}{_because(because)}"
        return Fault(self.name, RejectCode.RANGE, message)


def _because(reason: object) -> str:
    return f": {reason}" if str(reason) else ""


@dataclass(frozen=True)
class Check:
    """A condition in SQL that a whole row must meet; it names no other `columns`, and perhaps not all of these."""

    name: str
    sql: str
    columns: frozenset[str]


_OWN = "rowferry_"

_LEAVE_OUT = "remove it from the class and leave it to the database"

Rule = TypeVar("Rule")

KIND = "kind"
"""What a field of a schema says of its column, beside the type."""

ROW_NUMBER = "rowferry_row_number"
"""The column that says, behind those of a table, which row of its source a row is."""


@dataclass(frozen=True)
class TableRules:
    """A table and all its rules, columns in their order."""

    table: Table
    doc: str
    columns: tuple[ColumnRule, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...]
    checks: tuple[Check, ...]
    unique: tuple[tuple[str, ...], ...]
    """Columns whose values, taken together, no two rows have in common; a missing value is like no other."""
    filled: frozenset[str] = frozenset()
    """The columns that the model fills in new rows only, since the source of the rows leaves them out."""
    part_of: "TableRules | None" = None
    """The rules of the whole table, where these are for such of its rows that bring other columns than the rest."""

    @property
    def name(self) -> str:
        """What the table is called wherever it is named: led by its schema, if its class names it."""
        return self.table.key

    @property
    def is_whole(self) -> bool:
        """Whether these are all columns of the table, so that a row can be removed and inserted anew."""
        return self.part_of is None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def by_name(self) -> Mapping[str, ColumnRule]:
        return {column.name: column for column in self.columns}

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that are compared and updated: not part of the key, nor filled by the model."""
        return tuple(name for name in self.names if name not in self.key and name not in self.filled)

    @cached_property
    def given(self) -> tuple[str, ...]:
        """The columns that rows may bring: all but those which the database generates."""
        return tuple(column.name for column in self.columns if not column.generated)

    def only(self, given: Collection[str], filled: Collection[str] = ()) -> "TableRules":
        """The rules for rows that bring no other columns, but have some `filled` by the model.

        Statements that follow from them name no more: the database fills what was left out in new rows, and it stays
        as it is in others. Where a part of the key was left out there is none, so every row is new.
        """
        kept = {*given, *filled}
        if kept >= {*self.names} and not filled:
            return self
        return replace(
            self,
            columns=tuple(column for column in self.columns if column.name in kept),
            key=self.key if kept >= {*self.key} else (),
            references=tuple(reference for reference in self.references if kept >= {*reference.columns}),
            checks=tuple(check for check in self.checks if kept >= check.columns),
            unique=tuple(names for names in self.unique if kept >= {*names}),
            filled=frozenset(filled),
            part_of=self.part_of or self,
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns by which rows are named: their key, or all where there is none."""
        return self.key or self.names

    @property
    def candidate_keys(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each key of a row: the primary key, if there is one, then what is unique beside it."""
        return (self.key, *self.unique) if self.key else self.unique

    def number_of_key(self, names: Collection[str]) -> int | None:
        """Which of the candidate keys consists of some columns, in whatever order, if any does."""
        return next((at for at, key in enumerate(self.candidate_keys) if set(key) == set(names)), None)

    @cached_property
    def circular(self) -> tuple[Reference, ...]:
        """The references that lead back to this table, be it through others."""
        return tuple(reference for reference in self.references if reference.parent in self.circle)

    @cached_property
    def circle(self) -> frozenset[str]:
        """The tables of the circle that this one is in, itself among them; none if nothing leads back."""
        return self.part_of.circle if self.part_of else circle_of(self.table)

    @cached_property
    def later(self) -> frozenset[str]:
        """The tables whose rows come after those of this one."""
        if self.part_of:
            return self.part_of.later
        order = load_order(self.table.metadata.tables.values())
        return frozenset(order[order.index(self.name) + 1 :])

    @cached_property
    def late(self) -> tuple[str, ...]:
        """The columns by which rows may refer to rows that go in later, unless the rows could not be found again."""
        names = {name for reference in self.circular for name in reference.columns}
        return tuple(name for name in self.values if name in names) if self.key else ()

    @cached_property
    def may_wait(self) -> tuple[str, ...]:
        """Those of them that may be null until then."""
        return tuple(name for name in self.late if not self.by_name[name].required)

    @cached_property
    def held_back(self) -> tuple[str, ...]:
        """As many of these as must be null until the tables have their rows that come later."""
        return tuple(dict.fromkeys(names[-1] for names in self._waiting if names)) if self.is_whole else self.may_wait

    @property
    def must_be_deferred(self) -> bool:
        """Whether rows refer to rows of a table that comes later by columns that are never null."""
        return not all(self._waiting)

    @cached_property
    def _waiting(self) -> list[list[str]]:
        """Of each reference to a table that comes later, the columns that may be null."""
        if all(reference.parent == self.name for reference in self.circular):
            return []
        forward = (reference.columns for reference in self.circular if reference.parent in self.later)
        return [[name for name in names if name in self.may_wait] for names in forward]

    @cached_property
    def straight(self) -> tuple[Reference, ...]:
        """The references to tables that come before this one and do not lead back."""
        return tuple(reference for reference in self.references if reference not in self.circular)

    def columns_of_check(self, name: str) -> frozenset[str]:
        """The columns that a check of this name may depend on."""
        return frozenset().union(*(check.columns for check in self.checks if check.name == name))

    def names_of_checks(self, broken: Iterable[object]) -> list[str]:
        """The names of the checks that are broken, given for each check whether it is."""
        return [check.name for check, is_broken in zip(self.checks, broken, strict=True) if is_broken]

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table's rows; each field says of which kind it is."""
        fields = (pa.field(c.name, c.arrow, not c.required, {KIND: c.kind.name}) for c in self.columns)
        return pa.schema(fields)

    @cached_property
    def numbered_schema(self) -> pa.Schema:
        """The same with ROW_NUMBER behind: the schema of rows that were accepted."""
        return self.schema.append(pa.field(ROW_NUMBER, pa.int64(), nullable=False))


def rules_of(
    table: Table, doc: str = "", dialect: str = "", referred: Mapping[str, Collection[frozenset[str]]] | None = None
) -> TableRules:
    """Derive the rules of a table, which `doc` describes; its types are those for databases of a dialect.

    `referred` is what `referred_columns` finds, which whoever asks for many tables has found once.

    Raises:
        LookupError: The table cannot be served; its arguments are all the reasons, each with what to do about it.
    """
    faults = list(_faults_of_names(table))
    generated = {column.name for column in table.columns if column.computed is not None}
    loaded = [column for column in table.columns if column.name not in generated]
    columns = [_noted(faults, _column_rule, column, dialect) for column in loaded]
    references = [_noted(faults, reference_of, table, constraint) for constraint in judged_keys(table)]
    checks = [_noted(faults, _check, table, constraint) for constraint in _checks(table)]
    rules = [column for column in columns if column]
    referred = referred_columns(table.metadata) if referred is None else referred
    unique = unique_columns(table, referred.get(table.key, ()))
    faults += _spelled_keys(table, unique, {rule.name for rule in rules if not rule.kind.tells_apart})
    made = generated.intersection(table.primary_key.columns.keys())
    faults += [f"{table.key}.{name}: the database generates this key; make it a plain column" for name in made]
    if faults:
        raise LookupError(*faults)
    order = list(table.columns.keys())
    return TableRules(
        table=table,
        doc=doc or table.comment or "",
        columns=tuple(columns),
        key=tuple(column.name for column in table.primary_key.columns),
        references=tuple(sorted(references, key=lambda reference: order.index(reference.columns[0]))),
        # What depends on values that only the database knows is left to it.
        checks=tuple(check for check in checks if generated.isdisjoint(check.columns)),
        unique=tuple(names for names in unique if generated.isdisjoint(names)),
    )


def _noted(faults: list[str], derive: Callable[..., Rule], *of: object) -> Rule:
    """A rule; what is in its way is added to the faults, so that others are looked for all the same."""
    try:
        return derive(*of)
    except LookupError as error:
        faults += error.args
        return cast("Rule", None)


def _faults_of_names(table: Table) -> Iterator[str]:
    if same := alike((column.name for column in table.columns), str.casefold):
        yield f"{table.key}: the columns {same} differ only in case, which file headers do not distinguish; rename one"
    for column in table.columns:
        if column.key != column.name:
            yield f"{table.key}.{column.name}: remove key={column.key!r}, which gives it a second name"
        if column.name.startswith(_OWN):
            yield f"{table.key}.{column.name}: names that begin with {_OWN} are reserved for Rowferry; rename it"


def alike(names: Iterable[str], spelled: Callable[[str], str]) -> str:
    """The first two names that are spelled the same, in words; empty if there are none."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(spelled(name), name)) != name:
            return f"{other} and {name}"
    return ""


def _column_rule(column: Column[object], dialect: str) -> ColumnRule:
    numbered = column.identity is not None and bool(column.identity.always)
    if numbered and not column.primary_key:
        raise LookupError(
            f"{column.table.key}.{column.name}: the database generates its values, and lets none be restored in rows "
            "that are there; make it the key or a plain column, or leave it out of the class"
        )
    try:
        kind, served = served_by(column.type, dialect)
        arrow = kind.arrow(served)
    except LookupError as error:
        raise LookupError(f"{column.table.key}.{column.name}: unsupported type {error.args[0]}") from error
    return ColumnRule(
        name=column.name,
        kind=kind,
        arrow=arrow,
        required=column.primary_key or not column.nullable,
        max_length=getattr(served, "length", None),
        doc=column.doc or "",
        default=default_for(column),
        generated=numbered,
    )


def _spelled_keys(table: Table, unique: Collection[tuple[str, ...]], loose: set[str]) -> Iterator[str]:
    """What tells rows apart by columns whose values may be equal and spelled otherwise, or are never equal."""
    keys = [tuple(table.primary_key.columns.keys()), *unique]
    keys += [tuple(constraint.column_keys) for constraint in table.foreign_key_constraints]
    for name in sorted(loose.intersection(*[{name for key in keys for name in key}])):
        yield f"{table.key}.{name}: type {table.c[name].type!r} cannot tell rows apart; {_LEAVE_OUT}"


def _checks(table: Table) -> list[CheckConstraint]:
    """The checks of a table, those that stand at its columns among them."""
    holders = [table, *table.columns]
    return [c for holder in holders for c in holder.constraints if isinstance(c, CheckConstraint)]


def _check(table: Table, constraint: CheckConstraint) -> Check:
    condition = _check_condition(constraint)
    # A name within a text makes it too many: none is missed.
    spelled = ((c.name, re.escape(c.name.replace('"', '""'))) for c in table.columns)
    named = (name for name, word in spelled if re.search(rf"(?<!\w){word}(?!\w)", condition, re.IGNORECASE))
    return Check(str(constraint.name or condition), condition, frozenset(named))


def _check_condition(check: CheckConstraint) -> str:
    """The condition as a statement over the table alone may hold it."""
    try:
        return str(check.sqltext.compile(compile_kwargs={"include_table": False, "literal_binds": True}))
    except CompileError as error:
        raise LookupError(f"{check.sqltext} cannot be checked: {error}; give it as text") from error
