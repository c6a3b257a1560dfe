"""Reports about a year: as JSON, as CSV for spreadsheets, or as a picture, whatever is accepted."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from rowferry import lazy
from rowferry.api.accept import VARY, negotiated
from rowferry.api.openapi import problems
from rowferry.api.report_answers import DepartmentsAboveMeanAnswer, HiresByQuarterAnswer
from rowferry.api.state import Started
from rowferry.bootstrap import Service
from rowferry.reports.listed import REPORTS
from rowferry.reports.report import Answer, answer
from rowferry.reports.spreadsheet import as_csv
from rowferry.reports.year import PATTERN, Year

if TYPE_CHECKING:  # imported when a picture is asked for, since what draws it is large
    from rowferry.reports import picture
else:
    picture = lazy.module("rowferry.reports.picture")

routers = {name: APIRouter(prefix="/reports", tags=["reports"]) for name in REPORTS}
"""One for each report, which is documented only where its tables are served."""

_JSON, _CSV, _SVG, _PNG = _OFFERED = ("application/json", "text/csv", "image/svg+xml", "image/png")


class ReportQuery(BaseModel):
    """What a report is about."""

    year: str = Field(
        default="2021",
        description="The year in UTC, in four digits",
        json_schema_extra={"pattern": f"^({PATTERN})$"},
    )


Asked = Annotated[ReportQuery, Query()]


def _documented(csv: str) -> dict[int | str, dict[str, Any]]:
    text, binary = {"type": "string"}, {"type": "string", "format": "binary"}
    content = {_CSV: {"schema": text, "example": csv}, _SVG: {"schema": text}, _PNG: {"schema": binary}}
    answers = {200: {"description": "The report, in the accepted format", "content": content}}
    return answers | problems(404, 406, 422, 503)


@routers["hires-by-quarter"].get(
    "/hires-by-quarter",
    operation_id="hires_by_quarter",
    response_model=HiresByQuarterAnswer,
    responses=_documented("department,job,q1,q2,q3,q4\r\nSupport,Recruiter,0,1,0,2\r\n"),
)
def hires_by_quarter(request: Request, service: Started, query: Asked) -> Response:
    """Count the employees hired in a year for each department and job, by quarter, in alphabetical order."""
    return _answer("hires-by-quarter", request, service, query)


@routers["departments-above-mean"].get(
    "/departments-above-mean",
    operation_id="departments_above_mean",
    response_model=DepartmentsAboveMeanAnswer,
    responses=_documented("id,department,hired\r\n8,Support,216\r\n"),
)
def departments_above_mean(request: Request, service: Started, query: Asked) -> Response:
    """List the departments that hired more employees in a year than the mean of all departments, most hires first."""
    return _answer("departments-above-mean", request, service, query)


def _answer(name: str, request: Request, service: Service, query: ReportQuery) -> Response:
    media_type = negotiated(request, _OFFERED)
    found = answer(REPORTS[name], service.backend, service.catalog, Year.parse(query.year))
    headers = dict(VARY)
    if media_type == _CSV:
        headers["Content-Disposition"] = f'attachment; filename="{name}-{found.year:04}.csv"'
    return Response(_rendered(found, media_type), headers=headers, media_type=media_type)


def _rendered(found: Answer, media_type: str) -> str | bytes:
    if media_type == _JSON:
        return json.dumps(found.as_dict(), ensure_ascii=False)
    if media_type == _CSV:
        return as_csv(found)
    return picture.svg(found) if media_type == _SVG else picture.png(found)
