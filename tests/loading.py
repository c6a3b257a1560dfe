"""How tests load files and look at the outcome: through the operation and the ledger, and with SQL of their own."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.errors import RowferryError
from rowferry.events import Event
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.operations.receipt import Receipt
from rowferry.sources.csv.files import find_files

Observe = Callable[[Event], None]

DEPARTMENTS = "1,Sales\n2,Legal\n3,Support\n"
JOBS = "1,Clerk\n2,Lawyer\n3,Manager\n"


@dataclass
class Tables:
    """Tables of a service, and a folder in which files for them are written."""

    service: Service
    folder: Path
    events: list[Event] = field(default_factory=list)

    def write(self, name: str, content: str | bytes, folder: str = "") -> Path:
        path = self.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def load(self, *paths: Path, table: str | None = None, observe: Observe | None = None, **options: Any) -> Receipt:
        """Load files; all that it tells is in `events`."""
        self.events.clear()
        catalog = self.service.catalog
        return full_bulk_insert(
            self.service.backend,
            catalog,
            find_files(list(paths), catalog, table),
            LoadOptions(**options),
            observe or self.events.append,
            LoadClaim.new("test"),
        )

    def fail(self, error: type[RowferryError], *paths: Path, **options: Any) -> RowferryError:
        """Load files, which must fail with the error and leave all tables as they were."""
        before = self.everything()
        with pytest.raises(error) as caught:
            self.load(*paths, **options)
        assert self.everything() == before
        assert caught.value.message
        assert caught.value.advice
        return caught.value

    def put(self, name: str, content: str | bytes, **options: Any) -> Receipt:
        """Write a file and load it."""
        return self.load(self.write(name, content), **options)

    def with_parents(self) -> "Tables":
        """Three departments and three jobs are in."""
        self.load(self.write("departments.csv", DEPARTMENTS), self.write("jobs.csv", JOBS))
        return self

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table in key order, read through SQLAlchemy's types."""
        found = self.service.catalog.table(table).table
        with self.service.backend.engine.connect() as connection:
            rows = connection.execute(sa.select(found).order_by(*found.primary_key.columns)).all()
        return [*zip(*map(_instants, zip(*rows, strict=True)), strict=True)]

    def count(self, table: str) -> int:
        with self.service.backend.engine.connect() as connection:
            return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.rows(name) for name in self.service.catalog.names}

    def execute(self, *statements: str) -> None:
        """Change the database as someone else would, and commit."""
        with self.service.backend.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def of_ledger(self, name: str) -> str:
        """A table of the ledger as a statement names it."""
        return of_ledger(self.service.backend.engine, name)

    def rejects(self, load_id: str | None = None) -> list[dict[str, Any]]:
        """The rejected rows of a load (the last one) from the ledger, in their order."""
        with self.service.backend.engine.connect() as connection:
            return list(ledger.find_rejects(connection, load_id or self.loads()[0]["load_id"]))

    def codes(self, load_id: str | None = None) -> list[tuple[int, list[str]]]:
        """Row number and codes of each rejected row."""
        return [(row["row_number"], [e["code"] for e in row["errors"]]) for row in self.rejects(load_id)]

    def loads(self) -> list[dict[str, Any]]:
        with self.service.backend.engine.connect() as connection:
            return ledger.list_loads(connection, 1_000)


def of_ledger(engine: sa.Engine, name: str) -> str:
    """A table of the ledger as a statement names it."""
    with engine.connect() as connection:
        return str(ledger.here(connection, ledger.metadata.tables[name]).fullname)


def _instants(column: Sequence[Any]) -> Sequence[Any]:
    """SQLite gives instants without their zone, which is always UTC."""
    if not isinstance(next((value for value in column if value is not None), None), dt.datetime):
        return column
    return [value and value.replace(tzinfo=value.tzinfo or dt.UTC) for value in column]


def counts(receipt: Receipt) -> tuple[int, int, int, int, int]:
    """Rows read, inserted, updated, unchanged, rejected."""
    read, inserted, updated, unchanged, rejected = (receipt.total(count) for count in ledger.COUNTS)
    return read, inserted, updated, unchanged, rejected


def lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as simple CSV."""
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def employees(count: int, first: int = 1, departments: int = 3) -> str:
    """Good hired employees, with references to keys from 1 on."""
    return lines(
        (number, f"Name {number}", "2021-07-01T10:00:00Z", number % departments + 1, number % 3 + 1)
        for number in range(first, first + count)
    )
