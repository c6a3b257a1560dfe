"""`full_bulk_insert` by REST: the files of DATA_DIR, or one that is sent."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from rowferry.api.answers import LoadAccepted, ReceiptAnswer
from rowferry.api.openapi import CSV_BODY, problems
from rowferry.api.running import RunningLoad
from rowferry.api.state import Started, State
from rowferry.api.uploads import receive_upload
from rowferry.operations.load_options import LoadOptions, OnConflict, RejectLimit
from rowferry.sources.csv.byte_source import text_encoding
from rowferry.sources.csv.files import CsvFile, CsvFiles, find_files
from rowferry.sources.csv.form import Header as CsvHeader

router = APIRouter(tags=["load"])

_RESPOND_ASYNC = "respond-async"

_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {
        "model": LoadAccepted,
        "description": "The load continues, as requested by `Prefer: respond-async`",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "/loads/{load_id}"}},
    }
}


class LoadQuery(BaseModel):
    """How a load is to be done."""

    on_conflict: OnConflict = Field(
        default="reject",
        description="A row whose key is already in the table with other values: reject it, skip it, or update",
    )
    all_or_nothing: bool = Field(default=False, description="Insert nothing if any row is rejected")
    max_rejects: str | None = Field(
        default=None, description="Insert nothing if more rows than this are rejected: N or P%", examples=["100", "1%"]
    )
    dry_run: bool = Field(default=False, description="Answer with what a load would do; write nothing")
    encoding: str | None = Field(
        default=None, description="The character set of the file; default: the charset of its Content-Type, else utf-8"
    )
    exclusive: bool = Field(
        default=False,
        description="Make readers of the tables wait where that is faster: "
        "on PostgreSQL, for many rows from an owner who is not a superuser",
    )

    header: CsvHeader = Field(
        default="auto",
        description="Whether the first row is a header; auto: if at least half its cells are names of columns",
    )
    delimiter: str | None = Field(
        default=None,
        description="What separates fields: one character, or `tab`; default: as in a `sep=` line, else ,",
    )
    null: list[str] = Field(default=[], description="A word that means a missing value unless it is quoted")
    rename: list[str] = Field(
        default=[],
        description="NAME=COLUMN: the name of a column in a file, and the column of the table",
        examples=[["dept_id=department_id"]],
    )
    ignore_columns: list[str] = Field(
        default=[], description="Columns of a file to skip: their names, separated by commas"
    )

    def options(self) -> LoadOptions:
        """What an operation takes.

        Raises:
            OptionInvalid: Before a file is sent to no avail.
        """
        options = LoadOptions(**self.model_dump(exclude_none=True))
        RejectLimit.parse(options)
        text_encoding(options.encoding)
        options.form()
        return options


Options = Annotated[LoadQuery, Query()]
Prefer = Annotated[
    str | None,
    Header(description="`respond-async`: answer once the load has started. A dry run is always answered at its end."),
]


@router.post(
    "/full-bulk-insert",
    operation_id="full_bulk_insert",
    response_model=ReceiptAnswer,
    responses=_ANSWERS | problems(409, 422, 500, 503, 507),
)
async def full_bulk_insert(
    request: Request,
    state: State,
    service: Started,
    query: Options,
    prefer: Prefer = None,  # noqa: ARG001  # documents it; read with its repetitions
) -> Any:
    """Load the files of DATA_DIR into their tables, parents first, all at once or not at all.

    Each file is named after its table; hidden files and files that match no table are skipped. A row that breaks a
    rule is not inserted, but kept with all its faults.
    """
    options = query.options()
    await run_in_threadpool(state.folders.require_data)
    files = await run_in_threadpool(find_files, [service.settings.data_dir], service.catalog, confined=True)
    load = state.runner.start(service, files, options, _caller(request))
    return await _answer(load, wait=options.dry_run or not _respond_async(request))


@router.post(
    "/full-bulk-insert/{table}",
    operation_id="full_bulk_insert_table",
    response_model=ReceiptAnswer,
    responses=_ANSWERS | problems(404, 409, 415, 422, 500, 503, 507),
    openapi_extra=CSV_BODY,
)
async def full_bulk_insert_table(
    request: Request,
    table: str,
    state: State,
    service: Started,
    query: Options,
    prefer: Prefer = None,  # noqa: ARG001
) -> Any:
    """Load one CSV file, which is the body of the request or the part `file` of a form, into a table.

    It is written to disk while it arrives, and loaded once it is complete.
    """
    rules, options = service.catalog.table(table), query.options()
    upload = await receive_upload(request, table)
    if upload.charset and query.encoding is None:
        options = replace(options, encoding=upload.charset)
    files = CsvFiles([CsvFile(upload.path, rules, upload.name)])
    load = state.runner.start(service, files, options, _caller(request), on_end=upload.remove)
    return await _answer(load, wait=options.dry_run or not _respond_async(request))


async def _answer(load: RunningLoad, *, wait: bool) -> dict[str, Any] | Response:
    if wait:
        return (await load.receipt()).as_dict()
    load_id = await load.noted()
    location = f"/loads/{load_id}"
    accepted = LoadAccepted(load_id=load_id, status="running", location=location)
    headers = {"Location": location, "Preference-Applied": _RESPOND_ASYNC}
    return JSONResponse(accepted.model_dump(), 202, headers)


def _respond_async(request: Request) -> bool:
    preferences = ",".join(request.headers.getlist("prefer")).lower().split(",")
    return _RESPOND_ASYNC in (preference.partition(";")[0].strip() for preference in preferences)


def _caller(request: Request) -> str:
    return f"api:{request.client.host}" if request.client else "api"
