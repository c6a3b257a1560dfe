"""What the API answers about restores, as Pydantic models: they check the answers and make their documentation."""

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rowferry.api.answers import FaultAnswer, LoadError
from rowferry.api.problems import Problem

_RESTORE_ID = "restore-20260722T120000123456-1f3c5e"
_BACKUP_ID = "departments-20260721T030000123456Z-5e1f3c"
_COUNTS = {"added": 2, "changed": 1, "removed": 1, "unchanged": 9, "rejected": 0}
_CHANGES: dict[str, Any] = {
    "table": "departments",
    "source": f"{_BACKUP_ID}.avro",
    "backup_id": _BACKUP_ID,
    "rows_read": 12,
    **_COUNTS,
    "rejected_by_code": {},
    "examples": {
        "added": [{"id": 2}, {"id": 3}],
        "changed": [{"key": {"id": 5}, "columns": ["department"]}],
        "removed": [{"id": 99}],
    },
    "ignored": [],
    "notes": [],
    "seconds": 0.1,
}
_OBSTACLE = {
    "kind": "referred_to",
    "table": "departments",
    "rows": 2,
    "message": "2 rows of hired_employees refer (by department_id) to rows of departments that the backup lacks: id 99",
    "hint": "Restore hired_employees from the same snapshot with --with-parents (API: with_parents=true), which "
    "restores departments too; or delete or change the rows that refer to them.",
    "examples": [{"id": 99}],
}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class TableChangesAnswer(BaseModel):
    """What a restore does to one table: rows_read = added + changed + unchanged + rejected; the rest is removed."""

    table: str
    source: str = Field(description="The name of the file")
    backup_id: str | None
    rows_read: int
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    rejected_by_code: dict[str, int] = Field(description="How many rows have each code among their faults")
    examples: dict[str, list[Any]] = Field(description="The first keys of each kind; for changed rows also the columns")
    ignored: list[str] = Field(default=[], description="Fields of the file that the table has no column for")
    notes: list[str] = Field(default=[], description="Remarks about the table that caused no rejection")
    seconds: float


class ObstacleAnswer(BaseModel):
    """What blocks a restore."""

    kind: Literal["referred_to", "parents_missing", "rules_broken"]
    table: str
    rows: int = Field(description="How many rows are affected")
    message: str
    hint: str = Field(description="What to do about it")
    examples: list[Any] = Field(description="The first keys that are referred to, or the first rows with their faults")


class RestoreReceiptAnswer(BaseModel):
    """What became of the rows of a restore, table by table and in total; for a dry run, what would."""

    model_config = _example(
        restore_id=_RESTORE_ID,
        status="done",
        dry_run=False,
        table="departments",
        tables=[_CHANGES],
        obstacles=[],
        passed_over={},
        **_COUNTS,
    )

    restore_id: str
    status: Literal["done", "refused"] = Field(description="refused: there are obstacles, and nothing was changed")
    dry_run: bool
    table: str
    tables: list[TableChangesAnswer]
    obstacles: list[ObstacleAnswer]
    passed_over: dict[str, str] = Field(
        description="Backups that are damaged, lack their parents, or are dated in the future, by id"
    )
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int


class RestoreProblem(Problem):
    """Why a table was not restored, with all obstacles."""

    model_config = _example(
        type="urn:rowferry:problem:restore.blocked",
        title="Restore blocked",
        status=409,
        code="restore.blocked",
        detail=f"departments cannot be restored: {_OBSTACLE['message']}",
        hint=f"Nothing was changed. {_OBSTACLE['hint']}",
        errors=[],
        restore_id=_RESTORE_ID,
        obstacles=[_OBSTACLE],
    )

    restore_id: str
    obstacles: list[ObstacleAnswer]


class RestoreOptionsAnswer(BaseModel):
    """The options of a restore."""

    dry_run: bool
    with_parents: bool
    partial: bool
    unverified: bool


class RestoreAnswer(BaseModel):
    """A restore, running or ended, as recorded in the ledger."""

    model_config = _example(
        restore_id=_RESTORE_ID,
        status="done",
        table="departments",
        caller="api:127.0.0.1",
        started_at="2026-07-22T12:00:00.123456+00:00",
        finished_at="2026-07-22T12:00:00.323456+00:00",
        options={"dry_run": False, "with_parents": False, "partial": False, "unverified": False},
        tables=[_CHANGES],
        obstacles=[],
        **_COUNTS,
        error=None,
    )

    restore_id: str
    status: str = Field(description="running, done, refused, failed or interrupted")
    table: str
    caller: str = Field(description="Who requested it")
    started_at: dt.datetime
    finished_at: dt.datetime | None
    options: RestoreOptionsAnswer
    tables: list[TableChangesAnswer]
    added: int
    changed: int
    removed: int
    unchanged: int
    rejected: int
    obstacles: list[ObstacleAnswer]
    error: LoadError | None


class RejectedBackupRowAnswer(BaseModel):
    """A row of a backup that was left out, with all its faults."""

    model_config = _example(
        reject_id=1,
        restore_id=_RESTORE_ID,
        table="departments",
        source=f"{_BACKUP_ID}.avro",
        row_number=2,
        raw='{"id":2,"department":""}',
        errors=[{"column": "department", "code": "value.required", "message": "department is required"}],
    )

    reject_id: int
    restore_id: str
    table: str
    source: str
    row_number: int = Field(description="The number of the row in the backup, from 1")
    raw: str = Field(description="The row as JSON")
    errors: list[FaultAnswer]
