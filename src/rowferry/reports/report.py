"""What a report is: one question about a year, one SQL statement that answers it, and how its answer is drawn."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import FromClause, Select
from sqlalchemy.orm import DeclarativeBase

from rowferry.backends.protocol import Backend
from rowferry.dictionary.catalog import Catalog
from rowferry.errors import ReportUnavailable
from rowferry.reports.chart import nothing
from rowferry.reports.year import Year


class Answered(Protocol):
    """What a report found, whether the report is built in or one of a user's own: what all forms of it are made of."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def emptiness(self) -> str:
        """What to say where there is no row."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def subject(self) -> dict[str, Any]:
        """What was asked about, as JSON has it."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as JSON has them."""

    def cells(self) -> Iterator[list[Any]]:
        """The rows for spreadsheets and people: numbers and texts."""

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""

    def chart(self) -> dict[str, Any]:
        """Its picture as a Vega-Lite specification."""


@dataclass(frozen=True)
class Report:
    """A question about a year; its title and emptiness are templates that take the `year`, its heading does not.

    The statement is given the table whose rows it `counts`, in which instants compare as such.

    `columns` are those of its rows; the statement may select more, for the picture. `names` are columns of texts: rows
    with the same ones are added up, and put in order by them. Both is done here, since databases, and collations of
    columns, differ in the order of texts and in which are the same.
    """

    name: str
    heading: str
    about: str
    title: str
    emptiness: str
    columns: tuple[str, ...]
    reads: tuple[type[DeclarativeBase], ...]
    counts: type[DeclarativeBase]
    statement: Callable[[Year, FromClause], Select[*tuple[Any, ...]]]
    draw: Callable[["Answer"], dict[str, Any]]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a report found: rows of its own columns, and in `found` all that was selected."""

    report: Report
    year: int
    found: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.report.name

    @property
    def columns(self) -> tuple[str, ...]:
        return self.report.columns

    @property
    def subject(self) -> dict[str, Any]:
        return {"year": self.year}

    @property
    def title(self) -> str:
        return self.report.title.format(year=f"{self.year:04}")

    @property
    def emptiness(self) -> str:
        """What to say where there is no row."""
        return self.report.emptiness.format(year=f"{self.year:04}")

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [{column: row[column] for column in self.report.columns} for row in self.found]

    def cells(self) -> Iterator[list[Any]]:
        return (list(row.values()) for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        return {"report": self.name, **self.subject, "rows": self.rows}

    def chart(self) -> dict[str, Any]:
        return self.report.draw(self) if self.found else nothing(self.title, self.emptiness)


def is_available(report: Report, catalog: Catalog) -> bool:
    """Whether the tables that are served are those that a report reads."""
    served = {id(rules.table) for rules in catalog}
    return all(id(model.__table__) in served for model in report.reads)


def answer(report: Report, backend: Backend, catalog: Catalog, year: Year) -> Answer:
    """Answer a report by its one statement; a year without hires has no rows.

    Texts are told apart and ordered by Unicode code points, on every database.

    Raises:
        ReportUnavailable: The tables that are served are not those that it reads.
    """
    if not is_available(report, catalog):
        names = ", ".join(model.__tablename__ for model in report.reads)
        raise ReportUnavailable(report=report.name, tables=names)
    with backend.scanning() as connection:
        counted = backend.with_instants(connection, catalog.table(report.counts.__tablename__).table)
        found = [dict(row) for row in connection.execute(report.statement(year, counted)).mappings()]
    return Answer(report, year.number, _by_names(found, report.names) if report.names else found)


def _by_names(found: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row for all those of the same names, with the sums of all else, in the order of the names."""
    joined: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in found:
        of = tuple(row[name] for name in names)
        sums = (
            {column: row[column] + joined[of][column] for column in row if column not in names} if of in joined else {}
        )
        joined[of] = row | sums
    return [joined[of] for of in sorted(joined)]
