"""What the API answers about batches, as Pydantic models: they make its documentation."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rowferry.api.answers import FaultAnswer
from rowferry.api.problems import Problem
from rowferry.operations.load_options import OnConflict

_BATCH_ID = "batch-20260722T120000123456-1f3c5e"

_REJECTED = {
    "table": "hired_employees",
    "index": 1,
    "row": {
        "id": 2,
        "name": "Ty Hofer",
        "datetime": "2021-05-30T05:43:46Z",
        "department_id": 8,
        "job_id": None,
    },
    "errors": [{"column": "job_id", "code": "value.required", "message": "job_id is required"}],
}
_COUNTS: dict[str, Any] = {
    "inserted": {"departments": 1, "hired_employees": 1},
    "updated": {"departments": 0, "hired_employees": 0},
    "unchanged": {"departments": 0, "hired_employees": 0},
}
_NOTHING: dict[str, Any] = {count: {"hired_employees": 0} for count in _COUNTS}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class RejectedBatchRowAnswer(BaseModel):
    """A row that was not inserted, with all its faults."""

    table: str
    index: int = Field(description="Its place in the array of the table, from 0")
    row: Any = Field(description="The row as it was sent")
    errors: list[FaultAnswer]


class BatchCounts(BaseModel):
    """What became of the rows of each table in the batch."""

    inserted: dict[str, int]
    updated: dict[str, int]
    unchanged: dict[str, int] = Field(description="Rows that the table already had")


class BatchReceiptAnswer(BatchCounts):
    """What became of the rows of a batch."""

    model_config = _example(batch_id=_BATCH_ID, received=3, **_COUNTS, rejected=[_REJECTED])

    batch_id: str
    received: int
    rejected: list[RejectedBatchRowAnswer]


class BatchProblem(Problem):
    """Why no row was inserted: rows were rejected, each of them listed with its faults; or the body is not a batch."""

    model_config = _example(
        type="urn:rowferry:problem:batch.rejected",
        title="Batch rejected",
        status=422,
        code="batch.rejected",
        detail="No row of the batch was inserted: 1 of 1 were rejected",
        hint="See `rejected` for the faults of each row.",
        errors=[{"location": "body.hired_employees.1.job_id", "code": "value.required", "message": "…"}],
        batch_id=_BATCH_ID,
        received=1,
        **_NOTHING,
        rejected=[_REJECTED],
    )

    batch_id: str | None = None
    received: int | None = None
    inserted: dict[str, int] | None = None
    updated: dict[str, int] | None = None
    unchanged: dict[str, int] | None = None
    rejected: list[RejectedBatchRowAnswer] | None = None


class BatchOptionsAnswer(BaseModel):
    """The options of a batch."""

    on_conflict: OnConflict
    all_or_nothing: bool


class BatchNote(BatchCounts):
    """A batch, as recorded in the ledger."""

    batch_id: str
    status: str = Field(description="done; or refused, if all_or_nothing was set and a row was rejected")
    caller: str = Field(description="Who sent it")
    source: str = Field(description="How it was sent")
    finished_at: dt.datetime
    options: BatchOptionsAnswer
    received: int


class BatchListed(BatchNote):
    """A batch in the list of batches."""

    rejected: int = Field(description="How many rows were rejected")


class BatchShown(BatchNote):
    """A batch with its rejected rows."""

    rejected: list[RejectedBatchRowAnswer]
