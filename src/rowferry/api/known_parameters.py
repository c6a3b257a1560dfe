"""Refuses what an endpoint does not take: a parameter that is passed over would seem to have been obeyed."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError


async def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every endpoint whose parameters the OpenAPI document lists in full.

    Raises:
        RequestValidationError: The query has other parameters, or one of them twice that is no list.
    """
    if not request.query_params:
        return
    described = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = {
        parameter["name"]: parameter["schema"]
        for parameter in described.get("parameters", ())
        if parameter["in"] == "query"
    }
    faults = [
        {"type": kind, "loc": ("query", name), "msg": message, "input": value}
        for name, value in request.query_params.items()
        if (fault := _fault(known.get(name), len(request.query_params.getlist(name))))
        for kind, message in [fault]
    ]
    if faults:
        raise RequestValidationError(faults)


def _fault(schema: dict[str, Any] | None, times: int) -> tuple[str, str] | None:
    """What is wrong with a parameter that stands in a query so many times, by its schema; None if nothing is."""
    if schema is None:
        return "extra_forbidden", "There is no such parameter"
    is_list = any(branch.get("type") == "array" for branch in (schema, *schema.get("anyOf", ())))
    # Each of them but the last would be passed over.
    return None if is_list or times == 1 else ("given_twice", "It is given more than once")
