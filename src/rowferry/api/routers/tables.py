"""The tables and their rules; known without the database."""

from typing import Any

from fastapi import APIRouter

from rowferry.api.answers import Page, TableAnswer
from rowferry.api.openapi import problems
from rowferry.api.state import State
from rowferry.dictionary.describe import describe

router = APIRouter(prefix="/tables", tags=["tables"])


@router.get("", operation_id="list_tables", response_model=Page[TableAnswer], responses=problems())
def list_tables(state: State) -> dict[str, Any]:
    """List the tables and their rules, in the order in which they are loaded: parents first."""
    return {"items": [describe(rules) for rules in state.started.service.catalog], "next": None}


@router.get("/{table}", operation_id="find_table", response_model=TableAnswer, responses=problems(404, 422))
def find_table(table: str, state: State) -> dict[str, Any]:
    """Show one table and its rules."""
    return describe(state.started.service.catalog.table(table))
