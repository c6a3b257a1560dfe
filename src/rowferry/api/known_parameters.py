"""Refuses parameters that an endpoint does not take: one that was ignored would seem to have been obeyed."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from rowferry.api.openapi import describe_endpoints


async def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every endpoint whose parameters the OpenAPI document lists in full.

    Raises:
        RequestValidationError: The query has an unknown parameter, or repeats one that is not a list.
    """
    if not request.query_params:
        return
    described = describe_endpoints(request.app)["paths"][request.scope["route"].path][request.method.lower()]
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
    """What is wrong, by its schema, with a parameter that a query has so many times; None if nothing is."""
    if schema is None:
        return "extra_forbidden", "There is no such parameter"
    is_list = any(branch.get("type") == "array" for branch in (schema, *schema.get("anyOf", ())))
    # All but the last would be ignored.
    return None if is_list or times == 1 else ("given_twice", "It is given more than once")
