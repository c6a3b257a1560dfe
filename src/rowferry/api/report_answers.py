"""What the API answers about reports, as Pydantic models: they make its documentation."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class HiresByQuarterRow(BaseModel):
    """How many employees a department hired for a job, by quarter."""

    department: str
    job: str
    q1: int = Field(description="Employees hired from January to March, UTC")
    q2: int = Field(description="April to June")
    q3: int = Field(description="July to September")
    q4: int = Field(description="October to December")


class HiresByQuarterAnswer(BaseModel):
    """Employees hired in a year, alphabetical by department, then job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report": "hires-by-quarter",
                    "year": 2021,
                    "rows": [{"department": "Support", "job": "Recruiter", "q1": 0, "q2": 1, "q3": 0, "q4": 2}],
                }
            ]
        }
    )

    report: str
    year: int
    rows: list[HiresByQuarterRow]


class DepartmentAboveMeanRow(BaseModel):
    """A department that hired more than the mean, and how many employees."""

    id: int
    department: str
    hired: int


class DepartmentsAboveMeanAnswer(BaseModel):
    """Departments that hired more than the mean of all departments, most hires first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "report": "departments-above-mean",
                    "year": 2021,
                    "rows": [{"id": 8, "department": "Support", "hired": 216}],
                }
            ]
        }
    )

    report: str
    year: int
    rows: list[DepartmentAboveMeanRow]


class ReportParameter(BaseModel):
    """A parameter of a report; without a default, it has to be given."""

    name: str
    type: str = Field(description="The kind of its values", examples=["integer"])
    required: bool
    default: str | None
    doc: str


class ReportColumn(BaseModel):
    """A column that the file of a report declares."""

    name: str
    type: str
    doc: str


class ReportListed(BaseModel):
    """A report, and all that is to be known to ask for it."""

    name: str
    title: str
    description: str
    parameters: list[ReportParameter]
    columns: list[ReportColumn] = Field(description="The columns that are declared; there may be others")
    pictured: bool = Field(description="Whether it is available as a picture")
    built_in: bool


class OwnReportAnswer(BaseModel):
    """What a report of one's own found, for these values of its parameters."""

    report: str
    parameters: dict[str, Any]
    rows: list[dict[str, Any]] = Field(description="Values by column; instants in UTC, decimals as text")
