"""What the API answers, as Pydantic models: they check the answers and make their documentation."""

import datetime as dt
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from rowferry import ledger
from rowferry.operations.load_options import OnConflict

_LOAD_ID = "load-20260722T120000123-1f3c"
_TABLE_RECEIPT = {
    "table": "hired_employees",
    "source": "hired_employees.csv",
    "rows_read": 1999,
    "inserted": 1929,
    "updated": 0,
    "unchanged": 0,
    "rejected": 70,
    "rejected_by_code": {"value.required": 70},
    "seconds": 0.1,
    "notes": [],
}
_TOTALS = {"rows_read": 2194, "inserted": 2124, "updated": 0, "unchanged": 0, "rejected": 70}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class TableReceiptAnswer(BaseModel):
    """What became of the rows of one file: rows_read = inserted + updated + unchanged + rejected."""

    table: str
    source: str = Field(description="The name of the file")
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    rejected_by_code: dict[str, int] = Field(description="How many rows have each code among their faults")
    seconds: float
    notes: list[str] = Field(default=[], description="Remarks about the file that caused no rejection")


class ReceiptAnswer(BaseModel):
    """What became of the rows of a load, file by file and in total."""

    model_config = _example(
        load_id=_LOAD_ID, status="done", dry_run=False, tables=[_TABLE_RECEIPT], passed_over=[], **_TOTALS
    )

    load_id: str
    status: str
    dry_run: bool
    tables: list[TableReceiptAnswer]
    passed_over: list[str] = Field(description="Files of the folder that are not named after a table")
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int


class LoadAccepted(BaseModel):
    """A load that continues after the response."""

    model_config = _example(load_id=_LOAD_ID, status="running", location=f"/loads/{_LOAD_ID}")

    load_id: str
    status: str
    location: str = Field(description="Where to see the outcome; append /events to follow progress")


class LoadOptionsAnswer(BaseModel):
    """The options of a load."""

    on_conflict: OnConflict
    all_or_nothing: bool
    max_rejects: str | None
    dry_run: bool
    encoding: str
    header: str = "auto"
    delimiter: str | None = None
    null: list[str] = []
    rename: list[str] = []
    ignore_columns: list[str] = []
    exclusive: bool = False


class LoadSource(BaseModel):
    """One file of a load."""

    table: str
    name: str
    bytes: int | None = Field(default=None, description="Its size on disk; null until it has been read")
    sha256: str | None = None


class LoadError(BaseModel):
    """Why a load failed; nothing was inserted."""

    code: str
    message: str
    hint: str


class LoadAnswer(BaseModel):
    """A load, running or ended, as recorded in the ledger."""

    model_config = _example(
        load_id=_LOAD_ID,
        status="done",
        dry_run=False,
        caller="api:127.0.0.1",
        started_at="2026-07-22T12:00:00.123456+00:00",
        finished_at="2026-07-22T12:00:00.323456+00:00",
        options={
            "on_conflict": "reject",
            "all_or_nothing": False,
            "max_rejects": None,
            "dry_run": False,
            "encoding": "utf-8",
            "header": "auto",
            "delimiter": None,
            "null": [],
            "rename": [],
            "ignore_columns": [],
            "exclusive": False,
        },
        sources=[{"table": "hired_employees", "name": "hired_employees.csv", "bytes": 90937, "sha256": "9f86d081…"}],
        tables=[_TABLE_RECEIPT],
        passed_over=[],
        **_TOTALS,
        error=None,
    )

    load_id: str
    status: str = Field(description="running, done, failed or interrupted")
    dry_run: bool
    caller: str = Field(description="Who requested it")
    started_at: dt.datetime
    finished_at: dt.datetime | None
    options: LoadOptionsAnswer
    sources: list[LoadSource]
    tables: list[TableReceiptAnswer]
    passed_over: list[str] = Field(description="Files of the folder that are not named after a table")
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    error: LoadError | None


class FaultAnswer(BaseModel):
    """One thing that is wrong with a row."""

    column: str | None = Field(description="Null if the fault concerns the whole row")
    code: str = Field(
        description="A reject code; `database.` and a name if the database refuses the row by a rule of its own"
    )
    message: str


class RejectedRowAnswer(BaseModel):
    """A row that was not inserted, with all its faults."""

    model_config = _example(
        reject_id=1,
        load_id=_LOAD_ID,
        table="hired_employees",
        source="hired_employees.csv",
        row_number=2,
        raw="2,Ty Hofer,2021-05-30T05:43:46Z,8,",
        errors=[{"column": "job_id", "code": "value.required", "message": "job_id is required"}],
    )

    reject_id: int
    load_id: str
    table: str
    source: str
    row_number: int = Field(description="The number of the row in the file, from 1, header included")
    raw: str = Field(description="The row as it was in the file")
    errors: list[FaultAnswer]


class ReferenceAnswer(BaseModel):
    """What a column refers to."""

    table: str
    column: str


class ColumnAnswer(BaseModel):
    """What the values of a column must be."""

    name: str
    type: str
    required: bool
    may_be_left_out: bool = Field(description="A new row then takes the default, and any other stays as it is")
    max_length: int | None = Field(description="In characters")
    minimum: int | None
    maximum: int | None
    references: ReferenceAnswer | None
    rule: str = Field(description="The rules in words")
    doc: str = Field(description="What the column means")


class CheckAnswer(BaseModel):
    """A condition that a whole row must meet."""

    name: str
    condition: str = Field(description="In SQL")


class TableAnswer(BaseModel):
    """A table and all its rules."""

    model_config = _example(
        name="departments",
        doc="A department of the company.",
        key=["id"],
        columns=[
            {
                "name": "id",
                "type": "integer",
                "required": True,
                "max_length": None,
                "minimum": -2147483648,
                "maximum": 2147483647,
                "references": None,
                "rule": "primary key, required",
                "doc": "Id of the department",
            }
        ],
        checks=[],
    )

    name: str
    doc: str
    key: list[str] = Field(description="The columns of the primary key")
    columns: list[ColumnAnswer]
    checks: list[CheckAnswer]


class Health(BaseModel):
    """Whether the service can be used."""

    status: str = Field(examples=["ready"])


Limit = Annotated[int, Query(ge=1, le=1_000, description="The most items to return")]
"""How many items of a list are wanted on a page."""

Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(default=None, description="The URL of the next page, or null")

    @classmethod
    def of(cls, request: Request, found: list[dict[str, Any]], limit: int, **position: str) -> Self:
        """The first `limit` of what was found; if there is more, the next page starts behind the last of these.

        `position` is the query parameter that says so, and the field of an item that it takes.
        """
        items, following = found[:limit], None
        if len(found) > limit:
            places = {parameter: items[-1][field] for parameter, field in position.items()}
            following = str(request.url.include_query_params(**places))
        return cls.model_validate({"items": items, "next": following})


class RowsPage(BaseModel):
    """One page of the rows of a table."""

    model_config = _example(items=[{"id": 1, "department": "Supply Chain"}], next=None)

    items: list[dict[str, Any]] = Field(description="Values by column; instants in ISO 8601 and UTC, decimals as text")
    next: str | None = Field(default=None, description="The URL of the next page, or null")


def receipt_of_load(load: dict[str, Any]) -> dict[str, Any]:
    """The receipt of a load that is done, out of the ledger."""
    return {name: load[name] for name in ("load_id", "status", "dry_run", "tables", "passed_over", *ledger.COUNTS)}
