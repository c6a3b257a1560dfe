"""What the documentation of the API says beyond the handlers' signatures: problems, bodies, media types."""

from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from rowferry.api.batch_answers import BatchProblem
from rowferry.api.problems import MEDIA_TYPE, Problem, ProblemError
from rowferry.api.restore_answers import RestoreProblem
from rowferry.dictionary.schemas import BATCH, batch_schemas

_DESCRIPTION = """
Loads history from CSV files into a SQL database. No row that breaks a rule of the data dictionary is inserted, and no
row gets lost: rows that are not inserted are kept, with the place they came from and their faults.

Errors are problem details (RFC 9457), each with a `code` that never changes its meaning, and a `hint`.
"""

_TAGS = [
    {"name": "load", "description": "CSV files into tables"},
    {"name": "batches", "description": "A few rows into any tables, exactly once"},
    {"name": "loads", "description": "What was loaded, its progress, and what was rejected and why"},
    {"name": "backups", "description": "Tables as Avro files that can be verified"},
    {"name": "restores", "description": "Tables as they were in a backup, what changed, and what blocked a restore"},
    {"name": "tables", "description": "The tables and the rules of their rows"},
    {"name": "reports", "description": "Questions about the tables, answered as JSON, CSV, SVG or PNG, by `Accept`"},
    {"name": "health", "description": "For operators of the service"},
]

_REF = "#/components/schemas/{model}"

_CSV = {"type": "string", "format": "binary", "description": "CSV, plain or compressed (gzip, bzip2, xz, zstd, ZIP)"}

CSV_EXAMPLE = "1,Harold Vogt,2021-11-07T02:48:42Z,2,96\n2,Ty Hofer,2021-05-30T05:43:46Z,8,\n"

CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The CSV file of the table, of any size; with or without a header. Bodies of any other media "
        "type are read as the file, too, except JSON, which is refused with 415.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": CSV_EXAMPLE},
            "application/octet-stream": {"schema": _CSV},
            "application/gzip": {"schema": _CSV},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _CSV}},
            },
        },
    }
}
"""The body of an upload, which no handler's signature can declare: it is streamed."""


BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "At most 8 MiB of JSON; each row is judged by itself, and may be any value",
        "content": {"application/json": {"schema": {"$ref": _REF.format(model=BATCH)}}},
    }
}
"""The body of a batch, which no handler's signature can declare: rows are judged one by one, not by the framework."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems with which an endpoint may answer."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=Problem.__name__)}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(statuses)}


def describe_endpoints(app: FastAPI) -> dict[str, Any]:
    """What of the document does not depend on the tables, of which there may be hundreds; made once."""
    if not hasattr(app.state, "endpoints"):
        app.state.endpoints = get_openapi(
            title="Rowferry", version=version("rowferry"), description=_DESCRIPTION, routes=app.routes
        )
    found: dict[str, Any] = app.state.endpoints
    return found


def describe_api(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if not app.openapi_schema:
        document = describe_endpoints(app)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (Problem, ProblemError, BatchProblem, RestoreProblem):
            schema = model.model_json_schema(ref_template=_REF)
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        used = {tag for item in document["paths"].values() for operation in item.values() for tag in operation["tags"]}
        document["tags"] = [tag for tag in _TAGS if tag["name"] in used]
        service = app.state.rowferry.started.service
        schemas.update(batch_schemas(service.catalog, schemas))
        app.openapi_schema = document
    return app.openapi_schema
