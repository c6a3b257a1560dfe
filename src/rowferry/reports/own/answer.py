"""Asks the database what a report asks for: reading only, in bounded time, and for a bounded number of rows."""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from rowferry.backends.protocol import Backend
from rowferry.dictionary.faults import shown
from rowferry.errors import (
    DatabaseReadOnly,
    DatabaseRefused,
    ReportRefused,
    ReportTooLarge,
    ReportTooSlow,
    WorkCancelled,
)
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.kind import Kind
from rowferry.kinds.unfit import UnfitError
from rowferry.reports.own.declarations import BOUND_AS, OwnReport
from rowferry.reports.own.drawing import draw

MOST_ROWS = 100_000
"""An answer is held in memory as a whole."""

_MOST_LETTERS = 64 * 1024 * 1024

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class OwnAnswer:
    """What a report found, for the values of its parameters: rows as the database gave them."""

    report: OwnReport
    values: Mapping[str, Any]
    columns: tuple[str, ...]
    found: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.report.name

    @property
    def title(self) -> str:
        return self.report.title

    @property
    def emptiness(self) -> str:
        """What to say where there is no row."""
        return f"{self.title}: there are no rows."

    @property
    def subject(self) -> dict[str, Any]:
        """What was asked about, as JSON has it."""
        return {"parameters": {name: as_json(value) for name, value in self.values.items()}}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as JSON has them."""
        return [{name: as_json(value) for name, value in row.items()} for row in self.found]

    def cells(self) -> Iterator[list[Any]]:
        """The rows for spreadsheets and people: numbers and texts."""
        return ([_cell(value) for value in row.values()] for row in self.found)

    def as_dict(self) -> dict[str, Any]:
        return {"report": self.name, **self.subject, "rows": self.rows}

    def chart(self) -> dict[str, Any]:
        """Its picture as a Vega-Lite specification.

        Raises:
            ReportRefused: It has no column that the chart names, or no numbers in it.
        """
        asked = ", ".join(f"{name}: {_cell(value)}" for name, value in self.values.items() if value is not None)
        try:
            return draw(self.report, asked, [{k: _cell(v) for k, v in row.items()} for row in self.found])
        except LookupError as error:
            raise refused(self.report, error.args[0]) from error


def ask(report: OwnReport, backend: Backend, given: Mapping[str, str], seconds: float) -> OwnAnswer:
    """Ask what a report asks for, with the values that these texts stand for.

    Raises:
        ReportParametersUnfit: They are not those that the report takes.
        ReportRefused: The database does not understand the statement, or would have to write.
        ReportTooSlow, ReportTooLarge: It takes longer than so many seconds, or finds more than may be answered.
    """
    values = report.judge(given)
    ends = time.monotonic() + seconds
    try:
        with backend.asking(seconds) as connection:
            columns, found = _rows(report, connection, values, (ends, seconds))
    except (DatabaseRefused, DatabaseReadOnly) as error:
        raise refused(report, error.details["reason"]) from error
    except WorkCancelled as error:
        if time.monotonic() < ends:
            raise
        raise ReportTooSlow(report=report.name, seconds=f"{seconds:g}") from error
    return OwnAnswer(report, values, columns, [_typed(report, columns, row) for row in found])


def _rows(
    report: OwnReport, connection: Connection, values: Mapping[str, Any], limit: tuple[float, float]
) -> tuple[tuple[str, ...], list[list[Any]]]:
    bound = [bindparam(p.name, values[p.name], BOUND_AS[p.kind.name][1]) for p in report.parameters]
    # Fetched as they are needed, so that what is too much is never all here.
    statement = text(report.statement).bindparams(*bound).execution_options(stream_results=True)
    with connection.execute(statement) as result:
        columns = tuple(map(str, result.keys()))
        _require_columns(report, columns)
        return columns, _bounded(report, result.partitions(_ROWS_AT_ONCE), limit)


def _bounded(report: OwnReport, parts: Iterator[Sequence[Row[Any]]], limit: tuple[float, float]) -> list[list[Any]]:
    """All rows; `limit` is until when, and how long that was to be."""
    ends, seconds = limit
    found: list[list[Any]] = []
    letters = 0
    for rows in parts:
        found += map(list, rows)
        letters += sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
        if len(found) > MOST_ROWS or letters > _MOST_LETTERS:
            raise ReportTooLarge(report=report.name, most=f"{MOST_ROWS:,}")
        if time.monotonic() > ends:  # where each part has a time of its own
            raise ReportTooSlow(report=report.name, seconds=f"{seconds:g}")
    return found


def refused(report: OwnReport, reason: object) -> ReportRefused:
    """The error of a report whose file has to be corrected."""
    return ReportRefused(report=report.name, file=report.file, reason=reason)


def _require_columns(report: OwnReport, columns: tuple[str, ...]) -> None:
    if twice := [name for name, times in Counter(columns).items() if times > 1]:
        raise refused(report, f"two columns are named {twice[0]}; name one of them otherwise with AS")
    if lacking := [column.name for column in report.columns if column.name not in columns]:
        raise refused(report, f"it declares the column {lacking[0]}, but its statement gives no such column")


def _typed(report: OwnReport, columns: tuple[str, ...], row: list[Any]) -> dict[str, Any]:
    """A row by column, with the values of declared columns as what they stand for."""
    found = dict(zip(columns, row, strict=True))
    for column in report.columns:
        try:
            found[column.name] = _value(column.kind, found[column.name])
        except UnfitError as error:
            wrong = f"{column.name} holds {shown(str(found[column.name]))}, which is not {column.kind.noun}"
            raise refused(report, wrong) from error
    return found


def _value(kind: Kind, stored: Any) -> Any:
    if stored is None:
        return None
    plain = isinstance(stored, int | float | str | bytes) and not isinstance(stored, bool)
    # The kind of the column spells values of its own only, and a statement may give any.
    return kind.parse(kind.spell_sqlite(stored) if plain else _as_text(stored))


def as_json(value: Any) -> object:
    """A value of a database without loss, as the rows of a table have it: instants in UTC, decimals as texts."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return FLOAT.to_json(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(name): as_json(item) for name, item in value.items()}
    return _as_text(value)


def _cell(value: Any) -> Any:
    """A value for a spreadsheet or a person."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, int | float | str | Decimal):
        return value
    return _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return DECIMAL.spell(value)
    if isinstance(value, dt.datetime):
        return str(DATETIME.to_json(value)) if value.tzinfo else value.isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return json.dumps(as_json(value), ensure_ascii=False)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
