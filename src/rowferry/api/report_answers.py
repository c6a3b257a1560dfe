"""What the API answers about reports, as Pydantic models: they make its documentation."""

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
