"""Errors as HTTP answers them: problem details (RFC 9457). The only place that gives an error a status."""

import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path

from rowferry import errors

MEDIA_TYPE = "application/problem+json"

RETRY_SECONDS = 5
"""When a client should try again what fails for the time being."""

STATUSES: tuple[tuple[type[errors.RowferryError], int], ...] = (
    (errors.TableUnknown, 404),
    (errors.LoadUnknown, 404),
    (errors.NothingRejected, 404),
    (errors.BatchUnknown, 404),
    (errors.ReportUnavailable, 404),
    (errors.ReportUnknown, 404),
    (errors.ReportRefused, 500),
    (errors.ReportTooLarge, 422),
    (errors.ReportTooSlow, 422),
    (errors.BackupUnknown, 404),
    (errors.RestoreUnknown, 404),
    (errors.BackupMissing, 404),
    (errors.BackupDamaged, 409),
    (errors.BackupNeeded, 409),
    (errors.ValueUnstorable, 409),
    (errors.BackupUnrestorable, 409),
    (errors.ValueUnkept, 409),
    (errors.ViewWithoutKey, 409),
    (errors.NotWritable, 409),
    (errors.RowTooLong, 409),
    (errors.AvroUnfit, 409),
    (errors.BodyTooLarge, 413),
    (errors.InFlight, 409),
    (errors.KeysTaken, 409),
    (errors.KeySpelledOtherwise, 409),
    (errors.UniqueBroken, 409),
    (errors.ForeignKeyBroken, 409),
    (errors.SourceChanged, 409),
    (errors.ParentsVanished, 409),
    (errors.RestoreBlocked, 409),
    (errors.TableAltered, 409),
    (errors.SettingInvalid, 500),
    (errors.SettingsInvalid, 500),
    (errors.ModelsUnusable, 500),
    (errors.DatabaseUnsupported, 500),
    (errors.UsageError, 422),
    (errors.SourceUnreadable, 422),
    (errors.SourceNotText, 422),
    (errors.HeaderUnfit, 422),
    (errors.DelimiterUnfit, 422),
    (errors.RejectsExceeded, 422),
    (errors.TooManyRefused, 422),
    (errors.BatchRejected, 422),
    (errors.AvroUnfit, 422),
    (errors.DatabaseUnavailable, 503),
    (errors.DatabaseBusy, 503),
    (errors.SchemaDiffers, 503),
    (errors.SchemaMissing, 503),
    (errors.SchemaOlder, 503),
    (errors.SchemaNewer, 503),
    (errors.FolderUnusable, 503),
    (errors.FileUnwritable, 503),
    (errors.BackupsUnreadable, 503),
    (errors.BackupsGone, 503),
    (errors.LoadInterrupted, 503),
    (errors.RestoreInterrupted, 503),
    (errors.WorkCancelled, 503),
    (errors.DiskFull, 507),
    (errors.RowferryError, 500),
)
"""The status of each error: that of the first class in this list which it is an instance of."""

_log = logging.getLogger(__name__)


class ProblemError(BaseModel):
    """One fault of a request."""

    location: str = Field(
        description="Where the fault is: query, path, header or body, then the name", examples=["query.on_conflict"]
    )
    code: str = Field(examples=["literal_error"])
    message: str = Field(examples=["Input should be 'reject', 'skip' or 'update'"])


class Problem(BaseModel):
    """Why a request failed: problem details (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:rowferry:problem:table.unknown",
                    "title": "Table unknown",
                    "status": 404,
                    "code": "table.unknown",
                    "detail": "There is no table 'employees'",
                    "hint": "The tables are departments, jobs, hired_employees.",
                    "errors": [],
                }
            ]
        }
    )

    type: str = Field(description="Names the kind of problem")
    title: str = Field(description="The kind of problem, in words")
    status: int = Field(description="The HTTP status")
    code: str = Field(description="The kind of problem; never changes its meaning")
    detail: str = Field(description="What went wrong this time")
    hint: str = Field(description="What to do about it")
    errors: list[ProblemError] = Field(default=[], description="All faults, if there is more than one")
    load_id: str | None = Field(default=None, description="The load that failed, if any: its rejected rows are kept")


class RequestRefused(Exception):  # named as its siblings in errors.py
    """A request that HTTP lets through, but that cannot be understood."""

    def __init__(self, status: int, code: str, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.problem = _problem(status, code, detail, hint)


def problem_of(error: errors.RowferryError) -> Problem:
    load_id = error.details.get("load_id") if isinstance(error, errors.RejectsExceeded) else None
    problem = _problem(_status(type(error)), error.code, error.message, error.advice)
    return problem.model_copy(update={"load_id": load_id})


def problem_of_load(load: dict[str, Any]) -> Problem:
    """Why a load of the ledger failed."""
    error_of_load = load["error"]
    status = {error.code: _status(error) for error in _every(errors.RowferryError)}.get(error_of_load["code"], 500)
    problem = _problem(status, error_of_load["code"], error_of_load["message"], error_of_load["hint"])
    return problem.model_copy(update={"load_id": load["load_id"]})


def answer_problem(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    headers = dict(headers or {})
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    left_out = {"load_id"} if problem.load_id is None else None
    return JSONResponse(problem.model_dump(exclude=left_out), problem.status, headers, MEDIA_TYPE)


def refusal(status: int, code: str, detail: str, hint: str) -> JSONResponse:
    """The answer to a request that does not get as far as a handler."""
    return answer_problem(_problem(status, code, detail, hint))


def install(app: FastAPI) -> None:
    """Answer every error with a problem, those of the framework too."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        errors.RowferryError: _on_error,
        RequestRefused: _on_refused,
        RequestValidationError: _on_invalid,
        HTTPException: _on_http,
        PoolTimeoutError: _on_pool_timeout,
        ClientDisconnect: _on_disconnect,
        Exception: _on_unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _on_error(request: Request, error: errors.RowferryError) -> Response:
    problem = problem_of(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("%s %s: %s", request.method, request.url.path, error.message)
    return answer_problem(problem)


async def _on_refused(_request: Request, error: RequestRefused) -> Response:
    return answer_problem(error.problem)


async def _on_invalid(_request: Request, error: RequestValidationError) -> Response:
    found = [
        ProblemError(
            location=".".join(map(str, found_error["loc"])), code=found_error["type"], message=found_error["msg"]
        )
        for found_error in error.errors()
    ]
    detail = "; ".join(f"{problem.location}: {problem.message}" for problem in found)
    problem = _problem(422, "request.invalid", detail, "See /docs for what this endpoint takes.")
    return answer_problem(problem.model_copy(update={"errors": found}))


async def _on_http(request: Request, error: HTTPException) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    hint = "See /docs for what there is." if error.status_code in (404, 405) else ""
    problem = _problem(error.status_code, f"request.{phrase.lower().replace(' ', '_')}", str(error.detail), hint)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods(request)):
        headers["Allow"] = ", ".join(allowed)
    return answer_problem(problem, headers)


def _methods(request: Request) -> list[str]:
    """What the documentation says may be done with the path; the framework names only the first of several handlers."""
    paths = request.app.openapi()["paths"]
    matching = (item for path, item in paths.items() if compile_path(path)[0].match(request.url.path))
    return sorted({method.upper() for item in matching for method in item})


async def _on_pool_timeout(request: Request, _error: PoolTimeoutError) -> Response:
    return await _on_error(request, errors.DatabaseBusy(reason="all connections of this service are in use"))


async def _on_disconnect(_request: Request, _error: ClientDisconnect) -> Response:
    """Nobody is left to read this; without it, the server would log an error of its own."""
    return answer_problem(
        _problem(400, "request.broken_off", "The request ended before it was complete", "Send it again.")
    )


async def _on_unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    detail, hint = "An internal error occurred", "It was logged. Please report it; it should never happen."
    # The server closes the connection behind this answer; a client that is not told would use it again, and fail.
    return answer_problem(_problem(500, "internal", detail, hint), {"Connection": "close"})


def _problem(status: int, code: str, detail: str, hint: str) -> Problem:
    return Problem(
        type=f"urn:rowferry:problem:{code}", title=_title(code), status=status, code=code, detail=detail, hint=hint
    )


def _title(code: str) -> str:
    return re.sub(r"[._]", " ", code).capitalize()


def _status(error: type[errors.RowferryError]) -> int:
    return next(status for kind, status in STATUSES if issubclass(error, kind))


def _every(kind: type[errors.RowferryError]) -> Iterator[type[errors.RowferryError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _every(child)
