"""The tables and their rules, which are known without the database, and their rows."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from rowferry.api.answers import Limit, Page, RowsPage, TableAnswer
from rowferry.api.openapi import problems
from rowferry.api.state import Started, State
from rowferry.dictionary.describe import describe
from rowferry.operations.read_rows import as_document, position_behind, read_rows

router = APIRouter(prefix="/tables", tags=["tables"])


@router.get("", operation_id="list_tables", response_model=Page[TableAnswer], responses=problems(422))
def list_tables(state: State) -> dict[str, Any]:
    """List the tables and their rules, in load order: parents first."""
    return {"items": [describe(rules) for rules in state.started.service.catalog], "next": None}


@router.get("/{table}", operation_id="find_table", response_model=TableAnswer, responses=problems(404, 422))
def find_table(table: str, state: State) -> dict[str, Any]:
    """Show one table and its rules."""
    return describe(state.started.service.catalog.table(table))


@router.get("/{table}/rows", operation_id="list_rows", response_model=RowsPage, responses=problems(404, 422, 503))
def list_rows(
    request: Request,
    table: str,
    service: Started,
    limit: Limit = 100,
    after: Annotated[
        list[str] | None, Query(description="The key of a row; the page starts after it. Once for each of its columns")
    ] = None,
) -> Response:
    """List the rows of a table, in the order of its key."""
    rules = service.catalog.table(table)
    items, following = read_rows(service.backend, rules, after, limit + 1), None
    if len(items) > limit:
        items = items[:limit]
        position = [("after", part) for part in position_behind(rules, items[-1], after, limit)]
        following = str(request.url.replace(query=urlencode([("limit", limit), *position])))
    return Response(as_document({"items": items, "next": following}), media_type="application/json")
