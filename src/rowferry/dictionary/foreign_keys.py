"""What the foreign keys and unique constraints of a table say of its rows."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint
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
    name = f"{table.name}.{', '.join(columns)}"
    try:
        targets = [element.column for element in constraint.elements]
    except NoReferenceError as error:
        full_name = constraint.elements[0].target_fullname
        hint = "declare it with the same MetaData, or the same declarative Base"
        raise LookupError(f"{name} refers to {full_name}, which cannot be found; {hint}") from error
    parent = targets[0].table
    referred = tuple(target.name for target in targets)
    if not any(set(referred) == set(key) for key in (parent.primary_key.columns.keys(), *_all_unique(parent))):
        what = f"{parent.name}.{', '.join(referred)}"
        raise LookupError(f"{name} refers to {what}, of which several rows may have the same; declare it as unique")
    if len(columns) > 1 and str(constraint.match or "").upper() == "FULL":
        raise LookupError(f"{name} is MATCH FULL, which is not supported; leave it out, and check it by a CHECK")
    return Reference(columns, parent.name, referred)


def unique_columns(table: Table) -> list[tuple[str, ...]]:
    """What the database holds to be unique in all rows, unless the primary key makes it so and nothing refers to it."""
    key = frozenset(column.name for column in table.primary_key)
    found = _all_unique(table)
    if key and any(key.issubset(names) for names in found):
        referred = set(referred_together(table))
        return sorted(names for names in found if not key.issubset(names) or frozenset(names) in referred - {key})
    return sorted(found)


def _all_unique(table: Table) -> set[tuple[str, ...]]:
    """The columns of all unique constraints and indexes of a table that go for all of its rows."""
    constraints = (constraint.columns for constraint in table.constraints if isinstance(constraint, UniqueConstraint))
    whole = (index for index in table.indexes if index.unique and not any(map(_is_condition, index.dialect_kwargs)))
    indexes = (index.columns for index in whole if all(isinstance(each, Column) for each in index.expressions))
    return {tuple(column.name for column in columns) for columns in (*constraints, *indexes)}


def referred_together(table: Table) -> Iterator[frozenset[str]]:
    """The columns that each foreign key to a table leads to; of those that lead nowhere, others tell."""
    for other in table.metadata.tables.values():
        for constraint in other.foreign_key_constraints:
            with suppress(NoReferenceError):
                if constraint.referred_table is table:
                    yield frozenset(element.column.name for element in constraint.elements)


def _is_condition(option: str) -> bool:
    return option.endswith("_where")
