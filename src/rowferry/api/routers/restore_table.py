"""`restore_table` by REST, and the restores of before."""

import re
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.answers import Limit, Page
from rowferry.api.openapi import problems
from rowferry.api.problems import MEDIA_TYPE, problem_of
from rowferry.api.restore_answers import (
    RejectedBackupRowAnswer,
    RestoreAnswer,
    RestoreProblem,
    RestoreReceiptAnswer,
)
from rowferry.api.state import ID, Started, State, find_known, reading
from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.errors import BackupUnknown, RestoreUnknown
from rowferry.observers.service import service_observer
from rowferry.operations.restore_receipt import RestoreClaim, RestoreOptions, RestoreReceipt
from rowferry.operations.restore_sources import RestoreFinder
from rowferry.operations.restore_table import restore_table

router = APIRouter(tags=["restores"])

_BACKUP_ID = r"[A-Za-z0-9_-]{1,300}"

_BLOCKED: dict[int | str, dict[str, Any]] = {
    409: {
        "description": "Nothing was changed: the obstacles are named",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{RestoreProblem.__name__}"}}},
    }
}


class RestoreQuery(BaseModel):
    """How a restore is to be done."""

    backup_id: str | None = Field(default=None, description="The backup; default: the newest good one of the table")
    dry_run: bool = Field(default=False, description="Answer with what would change, and what blocks the restore")
    with_parents: bool = Field(
        default=False, description="Also restore the tables that it refers to, from the same snapshot"
    )
    partial: bool = Field(
        default=False, description="Leave out rows that break a current rule, and keep them as rejected rows"
    )


@router.post(
    "/restore-table/{table}",
    operation_id="restore_table",
    response_model=RestoreReceiptAnswer,
    responses=_BLOCKED | problems(404, 422, 500, 503, 507),
)
async def post_restore(
    request: Request, table: str, state: State, service: Started, query: Annotated[RestoreQuery, Query()]
) -> Any:
    """Make a table what it was in a backup, which is verified first; every row of it is judged by the current rules.

    Rows that are equal stay untouched; other users see the old rows or the new ones, never fewer. If anything blocks
    the restore, nothing is changed, and the answer names it; a dry run says the same in its receipt.
    """
    rules = service.catalog.table(table)
    options = RestoreOptions(query.dry_run, query.with_parents, query.partial)
    finder = RestoreFinder(service.backend, BackupStore(service.settings.backup_dir), service.catalog)
    claim = RestoreClaim.new(f"api:{request.client.host}" if request.client else "api")
    async with state.restore_slots:
        sources = await run_in_threadpool(finder.find, rules, _checked(query.backup_id), options)
        work = partial(restore_table, service.backend, service.catalog, sources, options)
        receipt = await run_in_threadpool(work, service_observer(service.settings.log_dir, "restore_table"), claim)
    return receipt.as_dict() if receipt.dry_run or not receipt.obstacles else _blocked(receipt)


@router.get("/restores", operation_id="list_restores", responses=problems(422, 503))
def list_restores(
    request: Request,
    service: Started,
    limit: Limit = 100,
    before: Annotated[str | None, Query(pattern=ID, description="A restore; the page starts after it")] = None,
) -> Page[RestoreAnswer]:
    """List restores, newest first."""
    with reading(service) as connection:
        found = ledger.list_restores(connection, limit + 1, before)
    return Page[RestoreAnswer].of(request, found, limit, before="restore_id")


@router.get(
    "/restores/{restore_id}",
    operation_id="find_restore",
    response_model=RestoreAnswer,
    responses=problems(404, 422, 503),
)
def find_restore(restore_id: str, service: Started) -> dict[str, Any]:
    """Show one restore: when, who, from which backups, what changed, and what blocked it."""
    return _restore(service, restore_id)


@router.get("/restores/{restore_id}/rejects", operation_id="list_restore_rejects", responses=problems(404, 422, 503))
def list_rejects(
    request: Request,
    restore_id: str,
    service: Started,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="A reject_id; the page starts after it")] = 0,
) -> Page[RejectedBackupRowAnswer]:
    """List the rows that a restore rejected, in the order of its backups."""
    _restore(service, restore_id)
    with reading(service) as connection:
        found = list(ledger.find_rejects(connection, restore_id, after=after, limit=limit + 1))
    named = [{**row, "restore_id": row["load_id"]} for row in found]
    return Page[RejectedBackupRowAnswer].of(request, named, limit, after="reject_id")


def _checked(backup_id: str | None) -> str | None:
    """An id; never a path, which would lead anywhere on the server."""
    if backup_id is not None and not re.fullmatch(_BACKUP_ID, backup_id):
        raise BackupUnknown(backup_id=backup_id)
    return backup_id


def _blocked(receipt: RestoreReceipt) -> JSONResponse:
    failure = receipt.failure()
    assert failure is not None  # noqa: S101  # there are obstacles
    problem = problem_of(failure).model_dump(exclude={"load_id"})
    found = receipt.as_dict()
    answer = problem | {name: found[name] for name in ("restore_id", "obstacles")}
    return JSONResponse(answer, problem["status"], media_type=MEDIA_TYPE)


def _restore(service: Service, restore_id: str) -> dict[str, Any]:
    return find_known(service, ledger.find_restore, restore_id, RestoreUnknown(restore_id=restore_id))
