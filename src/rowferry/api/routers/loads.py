"""Loads of now and before: what became of their rows, how far they are, and what they rejected."""

from itertools import chain
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from sse_starlette.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from rowferry import ledger
from rowferry.api.accept import VARY, negotiated, varies
from rowferry.api.answers import Limit, LoadAnswer, Page, RejectedRowAnswer
from rowferry.api.load_events import LAST_EVENT, load_events
from rowferry.api.openapi import problems
from rowferry.api.state import ID, Started, State, find_known, reading
from rowferry.bootstrap import Service
from rowferry.errors import LoadUnknown
from rowferry.operations.correctable_files import correctable_files

router = APIRouter(prefix="/loads", tags=["loads"])

_CSV_EXAMPLE = (
    "id,name,datetime,department_id,job_id,rejected_row_number,rejected_because,empty_this_once_corrected\r\n"
    "2,Ty Hofer,2021-05-30T05:43:46Z,8,,2,job_id is required\r\n"
)

_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["progress", "receipt", "problem"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string"},
    },
}
"""What each event is, as later versions of OpenAPI say it."""
_, _CSV = _OFFERED = ("application/json", "text/csv")


@router.get("", operation_id="list_loads", responses=problems(422, 503))
def list_loads(
    request: Request,
    service: Started,
    limit: Limit = 100,
    before: Annotated[str | None, Query(pattern=ID, description="A load; the page starts after it")] = None,
) -> Page[LoadAnswer]:
    """List loads, newest first."""
    with reading(service) as connection:
        found = ledger.list_loads(connection, limit + 1, before)
    return Page[LoadAnswer].of(request, found, limit, before="load_id")


@router.get("/{load_id}", operation_id="find_load", response_model=LoadAnswer, responses=problems(404, 422, 503))
def find_load(load_id: str, service: Started) -> dict[str, Any]:
    """Show one load: when, who, which files, what happened to their rows, and why it failed."""
    return _find(service, load_id)


@router.get(
    "/{load_id}/events",
    operation_id="follow_load",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Events `progress` while the load runs, then one event `receipt` or `problem`",
            "content": {"text/event-stream": {"itemSchema": _EVENT}},
        },
        204: {"description": "The last event was already seen (`Last-Event-ID`): there will be no more"},
        **problems(404, 422, 503),
    },
)
async def follow_load(
    load_id: str,
    state: State,
    service: Started,
    last_event_id: Annotated[str | None, Header(description="Sent by browsers when they reconnect")] = None,
) -> Response:
    """Follow a load to its end by server-sent events: rows, bytes, rate, seconds left, and finally its receipt."""
    await run_in_threadpool(_find, service, load_id)
    if last_event_id == LAST_EVENT:
        return Response(status_code=204)
    return EventSourceResponse(load_events(state, service, load_id))


@router.get(
    "/{load_id}/rejects",
    operation_id="list_rejects",
    dependencies=[Depends(varies)],
    response_model=Page[RejectedRowAnswer],
    responses={
        200: {
            "description": "A page of the rejected rows; with `Accept: text/csv` all rows of one table, as a file",
            "content": {"text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE}},
        },
        **problems(404, 406, 422, 503),
    },
)
def list_rejects(
    request: Request,
    load_id: str,
    service: Started,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="A reject_id; the page starts after it")] = 0,
    table: Annotated[str | None, Query(description="Only rows of this table")] = None,
) -> Any:
    """List the rows that a load rejected, in the order of the files.

    With `Accept: text/csv`: the rows of one table (default: the first that has any) as they were, with their faults, to
    be corrected and loaded again. The header `Link` names the files of other tables that have any (`alternate`).
    """
    load = _find(service, load_id)
    if table:
        service.catalog.table(table)
    if negotiated(request, _OFFERED) == _CSV:
        return _csv_file(request, service, load, table)
    with reading(service) as connection:
        found = list(ledger.find_rejects(connection, load_id, table=table, after=after, limit=limit + 1))
    return Page[RejectedRowAnswer].of(request, found, limit, after="reject_id")


def _find(service: Service, load_id: str) -> dict[str, Any]:
    return find_known(service, ledger.find_load, load_id, LoadUnknown(load_id=load_id))


def _csv_file(request: Request, service: Service, load: dict[str, Any], table: str | None) -> Response:
    load_id, catalog = load["load_id"], service.catalog
    with reading(service) as connection:
        rejected = ledger.tables_with_rejects(connection, load_id)
    name = table or (rejected or [source["table"] for source in load["sources"]])[0]
    lines = correctable_files(service.backend, catalog, load_id, name)[name]
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"', **VARY}
    others = [request.url.replace(query=urlencode({"table": other})) for other in rejected if other != name]
    if others:
        disposition["Link"] = ", ".join(f'<{url}>; rel="alternate"; type="text/csv"' for url in others)
    # What fails at once is to be answered as a problem, which is too late once the answer has begun.
    begun = chain([next(lines)], lines)
    return StreamingResponse(begun, media_type=_CSV, headers=disposition)
