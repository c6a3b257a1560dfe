"""Reports, built in or of a user's own: as JSON, as CSV for spreadsheets, or as a picture, whatever is accepted."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from rowferry import lazy
from rowferry.api.accept import VARY, negotiated
from rowferry.api.answers import Page
from rowferry.api.known_parameters import refuse_unknown_parameters
from rowferry.api.openapi import problems
from rowferry.api.report_answers import DepartmentsAboveMeanAnswer, HiresByQuarterAnswer, OwnReportAnswer, ReportListed
from rowferry.api.state import Started, State
from rowferry.bootstrap import Service
from rowferry.reports.listed import REPORTS, report_unknown
from rowferry.reports.own.answer import ask
from rowferry.reports.own.declarations import OwnReport, Parameter
from rowferry.reports.report import Answered, answer, is_available
from rowferry.reports.spreadsheet import as_csv
from rowferry.reports.year import PATTERN, Year

if TYPE_CHECKING:  # imported when a picture is asked for, since what draws it is large
    from rowferry.reports import picture
else:
    picture = lazy.module("rowferry.reports.picture")

routers = {name: APIRouter(prefix="/reports", tags=["reports"]) for name in REPORTS}
"""One for each report, which is documented only where its tables are served."""

_JSON, _CSV, _SVG, _PNG = _OFFERED = ("application/json", "text/csv", "image/svg+xml", "image/png")
_UNPICTURED = (_JSON, _CSV)


def install(app: FastAPI, service: Service) -> bool:
    """Serve the reports that a service has; whether there is any."""
    checked = [Depends(refuse_unknown_parameters)]
    available = {name for name, report in REPORTS.items() if is_available(report, service.catalog)}
    has_reports = bool(available or service.reports)
    listing = APIRouter(prefix="/reports", tags=["reports"], include_in_schema=has_reports)
    listing.get("", operation_id="list_reports", response_model=Page[ReportListed], responses=problems(422))(
        list_reports
    )
    own = APIRouter(prefix="/reports", tags=["reports"])
    for report in service.reports.values():
        _add(own, report)
    unknown = APIRouter(prefix="/reports", include_in_schema=False)
    unknown.get("/{name}")(_unknown)
    app.include_router(listing, dependencies=checked if has_reports else [])
    app.include_router(own, dependencies=checked)
    for name, router in routers.items():
        is_offered = name in available
        app.include_router(router, dependencies=checked if is_offered else [], include_in_schema=is_offered)
    app.include_router(unknown)
    return has_reports


class ReportQuery(BaseModel):
    """What a report is about."""

    year: str = Field(
        default="2021",
        description="The year in UTC, in four digits",
        json_schema_extra={"pattern": f"^({PATTERN})$"},
    )


Asked = Annotated[ReportQuery, Query()]


def _documented(csv: str, offered: Sequence[str] = _OFFERED) -> dict[int | str, dict[str, Any]]:
    text, binary = {"type": "string"}, {"type": "string", "format": "binary"}
    content = {_CSV: {"schema": text, "example": csv}, _SVG: {"schema": text}, _PNG: {"schema": binary}}
    offering = {media_type: content[media_type] for media_type in offered if media_type in content}
    answers = {200: {"description": "The report, in the accepted format", "content": offering}}
    return answers | problems(404, 406, 422, 503)


def list_reports(state: State) -> dict[str, Any]:
    """List the reports, with the parameters that each takes."""
    service = state.started.service
    built_in = [
        {"name": name, "title": report.heading, "description": report.about, "parameters": [_YEAR], "columns": []}
        | {"pictured": True, "built_in": True}
        for name, report in REPORTS.items()
        if is_available(report, service.catalog)
    ]
    own = [report.as_dict() | {"built_in": False} for report in service.reports.values()]
    return {"items": [*built_in, *own], "next": None}


_YEAR = {"name": "year", "type": "integer", "required": False, "default": "2021", "doc": "The year in UTC"}


def _unknown(name: str, state: State) -> Response:
    raise report_unknown(name, state.started.service.reports)


@routers["hires-by-quarter"].get(
    "/hires-by-quarter",
    operation_id="hires_by_quarter",
    response_model=HiresByQuarterAnswer,
    responses=_documented("department,job,q1,q2,q3,q4\r\nSupport,Recruiter,0,1,0,2\r\n"),
)
def hires_by_quarter(request: Request, service: Started, query: Asked) -> Response:
    """Count the employees hired in a year for each department and job, by quarter, in alphabetical order."""
    return _about_a_year("hires-by-quarter", request, service, query)


@routers["departments-above-mean"].get(
    "/departments-above-mean",
    operation_id="departments_above_mean",
    response_model=DepartmentsAboveMeanAnswer,
    responses=_documented("id,department,hired\r\n8,Support,216\r\n"),
)
def departments_above_mean(request: Request, service: Started, query: Asked) -> Response:
    """List the departments that hired more employees in a year than the mean of all departments, most hires first."""
    return _about_a_year("departments-above-mean", request, service, query)


def _about_a_year(name: str, request: Request, service: Service, query: ReportQuery) -> Response:
    media_type = negotiated(request, _OFFERED)
    found = answer(REPORTS[name], service.backend, service.catalog, Year.parse(query.year))
    return _answer(found, media_type, f"{name}-{found.year:04}.csv")


def _add(router: APIRouter, report: OwnReport) -> None:
    """Serve a report of a user's own; what its parameters are is said by its file, not by a handler's signature."""
    offered = _OFFERED if report.chart else _UNPICTURED
    router.get(
        f"/{report.name}",
        operation_id=f"report_{report.name.replace('-', '_')}",
        summary=report.title,
        description=report.description or report.title,
        response_model=OwnReportAnswer,
        responses=_documented(",".join(column.name for column in report.columns) + "\r\n", offered) | problems(500),
        openapi_extra={"parameters": list(map(_in_document, report.parameters))},
    )(_handler(report, offered))


def _handler(report: OwnReport, offered: Sequence[str]) -> Callable[[Request, Service], Response]:
    def own_report(request: Request, service: Started) -> Response:
        media_type = negotiated(request, offered)
        found = ask(report, service.backend, dict(request.query_params), service.settings.report_seconds)
        return _answer(found, media_type, f"{report.name}.csv")

    return own_report


def _in_document(parameter: Parameter) -> dict[str, Any]:
    schema = {"type": "string", "description": f"A value that is {parameter.kind.noun}"}
    default = {} if parameter.default is None else {"default": parameter.default}
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.doc,
        "schema": schema | default,
    }


def _answer(found: Answered, media_type: str, file_name: str) -> Response:
    headers = dict(VARY)
    if media_type == _CSV:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return Response(_rendered(found, media_type), headers=headers, media_type=media_type)


def _rendered(found: Answered, media_type: str) -> str | bytes:
    if media_type == _JSON:
        return json.dumps(found.as_dict(), ensure_ascii=False)
    if media_type == _CSV:
        return as_csv(found)
    return picture.svg(found) if media_type == _SVG else picture.png(found)
