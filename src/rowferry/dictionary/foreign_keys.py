"""What the foreign keys and unique constraints of a table say of its rows."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, UniqueConstraint
from sqlalchemy.exc import NoReferenceError


@dataclass(frozen=True)
class Reference:
    """`columns` hold, together, the `targets` of a row of the table `parent`; if one is missing, they refer to none."""

    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]

    @property
    def column(self) -> str | None:
        """The column that is to blame for a row that is not there; None where it is several together."""
        return self.columns[0] if len(self.columns) == 1 else None


def reference_of(table: Table, constraint: ForeignKeyConstraint) -> Reference:
    """The reference that a foreign key of a table stands for.

    Raises:
        LookupError: It cannot be served, and what to do about it.
    """
    columns = tuple(element.parent.name for element in constraint.elements)
    name = f"{table.key}.{', '.join(columns)}"
    try:
        targets = [element.column for element in constraint.elements]
    except NoReferenceError as error:
        full_name = constraint.elements[0].target_fullname
        hint = "declare it with the same MetaData, or the same declarative Base"
        raise LookupError(f"{name} refers to {full_name}, which cannot be found; {hint}") from error
    parent = targets[0].table
    referred = tuple(target.name for target in targets)
    if not any(set(referred) == set(key) for key in (parent.primary_key.columns.keys(), *_all_unique(parent))):
        what = f"{parent.key}.{', '.join(referred)}"
        raise LookupError(f"{name} refers to {what}, of which several rows may have the same; declare it as unique")
    if len(columns) > 1 and str(constraint.match or "").upper() == "FULL":
        raise LookupError(f"{name} is MATCH FULL, which is not supported; leave it out, and check it by a CHECK")
    return Reference(columns, parent.key, referred)


def judged_keys(table: Table) -> list[ForeignKeyConstraint]:
    """The foreign keys that rows are judged by, sorted; those over columns that the database makes are left to it."""
    made = {column.name for column in table.columns if column.computed is not None}
    judged = (each for each in table.foreign_key_constraints if made.isdisjoint(each.column_keys))
    return sorted(judged, key=lambda constraint: list(constraint.column_keys))


def references_to(table: Table) -> Iterator[tuple[Table, Reference]]:
    """All references to a table that rows are judged by, each with the table whose it is."""
    for other in table.metadata.tables.values():
        for constraint in judged_keys(other):
            if constraint.referred_table is table:
                yield other, reference_of(other, constraint)


def unique_columns(table: Table, referred: Collection[frozenset[str]]) -> list[tuple[str, ...]]:
    """What the database holds to be unique in all rows, unless the primary key makes it so and nothing refers to it.

    `referred` are the columns that foreign keys to the table lead to.
    """
    key = frozenset(column.name for column in table.primary_key)
    unless_key = frozenset(referred) - {key}
    found = _all_unique(table)
    return sorted(names for names in found if not key or not key.issubset(names) or frozenset(names) in unless_key)


def referred_columns(metadata: MetaData) -> Mapping[str, set[frozenset[str]]]:
    """The columns that foreign keys to each table lead to, by its key; of those that lead nowhere, others tell."""
    found: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
    for table in metadata.tables.values():
        for constraint in table.foreign_key_constraints:
            with suppress(NoReferenceError):
                names = frozenset(element.column.name for element in constraint.elements)
                found[constraint.referred_table.key].add(names)
    return found


def _all_unique(table: Table) -> set[tuple[str, ...]]:
    """The columns of all unique constraints and indexes of a table that go for all of its rows."""
    constraints = (constraint.columns for constraint in table.constraints if isinstance(constraint, UniqueConstraint))
    whole = (index for index in table.indexes if index.unique and not any(map(_is_condition, index.dialect_kwargs)))
    indexes = (index.columns for index in whole if all(isinstance(each, Column) for each in index.expressions))
    return {tuple(column.name for column in columns) for columns in (*constraints, *indexes)}


def _is_condition(option: str) -> bool:
    return option.endswith("_where")
