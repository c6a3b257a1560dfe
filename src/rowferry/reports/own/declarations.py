"""What the file of a report declares: its title, its parameters, columns and chart."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, Numeric, String, Time
from sqlalchemy.types import TypeEngine

from rowferry.dictionary.faults import shown
from rowferry.errors import ReportParametersUnfit
from rowferry.kinds.booleans import BOOLEAN
from rowferry.kinds.dates import DATE
from rowferry.kinds.datetimes import DATETIME
from rowferry.kinds.decimals import DECIMAL
from rowferry.kinds.floats import FLOAT
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.kind import Kind
from rowferry.kinds.texts import TEXT
from rowferry.kinds.times import TIME
from rowferry.kinds.unfit import UnfitError

BOUND_AS: Mapping[str, tuple[Kind, TypeEngine[Any]]] = {
    kind.name: (kind, bound)
    for kind, bound in (
        (BOOLEAN, Boolean()),
        (INTEGER, BigInteger()),
        (FLOAT, Double()),
        (DECIMAL, Numeric()),
        (DATETIME, DateTime(timezone=True)),
        (DATE, Date()),
        (TIME, Time()),
        (TEXT, String()),
    )
}
"""The kinds that parameters and columns may have, and the type as which a value of each is bound: the widest one."""

Mark = Literal["bar", "line"]

MARKS: tuple[Mark, ...] = get_args(Mark)


@dataclass(frozen=True)
class Parameter:
    """A value that a report asks for; without a default it has to be given, and `null` as default leaves it out."""

    name: str
    kind: Kind
    default: str | None
    doc: str
    required: bool

    def judge(self, text: str | None) -> Any:
        """The value that a text stands for, or the default one where there is no text.

        Raises:
            UnfitError: There must be a value, or it is none; the message is a sentence.
        """
        given = self.default if text is None else text
        if given is None and not self.required:
            return None
        if given is None or not given.strip():
            raise UnfitError(f"{self.name} is required" if given is None else f"{self.name} is empty; leave it out")
        if "\0" in given:
            raise UnfitError(f"{self.name} must be {self.kind.noun}, not {shown(given)}")
        try:
            value = self.kind.parse(given)
        except UnfitError as error:
            because = f": {error}" if str(error) else ""
            raise UnfitError(f"{self.name} must be {self.kind.noun}, not {shown(given)}{because}") from error
        return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo else value


@dataclass(frozen=True)
class Column:
    """A column of the answer, whose values are of a kind: what a database without such values holds stands for them."""

    name: str
    kind: Kind
    doc: str


@dataclass(frozen=True)
class Chart:
    """How an answer is drawn: a mark for each row, at the value of one column and as high as that of another."""

    mark: Mark
    x: str
    y: str
    colour: str | None = None


@dataclass(frozen=True)
class OwnReport:
    """A report that a file declares; `statement` is as SQLAlchemy's `text` takes it."""

    name: str
    file: Path
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    chart: Chart | None
    statement: str

    def judge(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The values of all parameters, from the texts that were given.

        Raises:
            ReportParametersUnfit: Some of them are no such values, or are lacking, or there is no such parameter.
        """
        names = [parameter.name for parameter in self.parameters]
        faults = [f"there is no parameter {name}" for name in given if name not in names]
        values: dict[str, Any] = {}
        for parameter in self.parameters:
            try:
                values[parameter.name] = parameter.judge(given.get(parameter.name))
            except UnfitError as error:
                faults.append(str(error))
        if faults:
            takes = ", ".join(names) or "none"
            raise ReportParametersUnfit(report=self.name, faults="; ".join(faults), takes=takes)
        return values

    def as_dict(self) -> dict[str, Any]:
        """All that is to be known to ask for it, as JSON has it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "parameters": [
                {"name": p.name, "type": p.kind.name, "required": p.required, "default": p.default, "doc": p.doc}
                for p in self.parameters
            ],
            "columns": [{"name": c.name, "type": c.kind.name, "doc": c.doc} for c in self.columns],
            "pictured": self.chart is not None,
        }
