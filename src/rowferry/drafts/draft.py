"""A module of tables before it is written: its tables, their rules so far, and what people should know of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.schema import SchemaItem

Faults = Callable[[MetaData], list[str]]
"""Why tables cannot be served, by the product's own rules; empty if they can."""


def key_of(schema: str | None, name: str) -> str:
    """What a table is called, as SQLAlchemy calls it."""
    return f"{schema}.{name}" if schema else name


@dataclass
class DraftTable:
    """A table whose columns are certain; `comments` stand above it, or above columns by their names."""

    name: str
    columns: Callable[[], Iterable[Column[object]]]
    """Makes its columns, since SQLAlchemy lets a column belong to one table only."""
    schema: str | None = None
    doc: str = ""
    comments: list[str] = field(default_factory=list)
    of_columns: dict[str, list[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return key_of(self.schema, self.name)


@dataclass(frozen=True)
class Part:
    """A constraint or index that a table may have; `needs` is another table that it refers to."""

    table: str
    name: str
    make: Callable[[], SchemaItem]
    needs: str = ""


@dataclass
class Draft:
    """Tables in the order in which they are to be written, what is served of them, and notes on what is not."""

    tables: list[DraftTable]
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def metadata(self, parts: Sequence[Part] | None = None, only: Sequence[DraftTable] | None = None) -> MetaData:
        """The tables as SQLAlchemy has them, with all parts or some of them."""
        metadata = MetaData()
        for table in self.tables if only is None else only:
            own = [part.make() for part in (self.parts if parts is None else parts) if part.table == table.key]
            comment = table.doc or None
            Table(table.name, metadata, *table.columns(), *own, schema=table.schema, comment=comment)
        return metadata

    def keep_what_is_served(self, faults: Faults) -> None:
        """Leave out tables, then parts, that the rules refuse; each with a note that says why."""
        for table in list(self.tables):
            if found := faults(self.metadata([], [table])):
                self.tables.remove(table)
                self.notes += [f"{table.key} is not served: {reason}" for reason in found]
        served = {table.key for table in self.tables}
        wanted: list[Part] = []
        for part in self.parts:
            if part.table in served and part.needs and part.needs not in served:
                self._leave(part, f"{part.needs} is not served here")
            elif part.table in served:
                wanted.append(part)
        self.parts = self._fitting([], wanted, faults)

    def _fitting(self, kept: list[Part], wanted: list[Part], faults: Faults) -> list[Part]:
        """As many of the wanted parts as fit beside those that are kept, tried in halves: few are usually refused."""
        found = faults(self.metadata([*kept, *wanted])) if wanted else []
        if not found:
            return wanted
        if len(wanted) == 1:
            self._leave(wanted[0], "; ".join(found))
            return []
        middle = len(wanted) // 2
        first = self._fitting(kept, wanted[:middle], faults)
        return first + self._fitting([*kept, *first], wanted[middle:], faults)

    def _leave(self, part: Part, reason: str) -> None:
        self.notes.append(f"{part.table}: {part.name} is left to the database: {reason}")
