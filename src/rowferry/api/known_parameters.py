"""Refuses what an endpoint does not take: a parameter that is passed over would seem to have been obeyed."""

from fastapi import Request
from fastapi.exceptions import RequestValidationError


async def refuse_unknown_parameters(request: Request) -> None:
    """A dependency of every endpoint whose parameters the OpenAPI document lists in full.

    Raises:
        RequestValidationError: The query has other parameters.
    """
    if not request.query_params:
        return
    described = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
    faults = [
        {"type": "extra_forbidden", "loc": ("query", name), "msg": "There is no such parameter", "input": value}
        for name, value in request.query_params.items()
        if name not in known
    ]
    if faults:
        raise RequestValidationError(faults)
