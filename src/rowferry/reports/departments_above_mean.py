"""Report: the departments that hired more employees than the mean over all departments."""

from typing import Any

from sqlalchemy import BigInteger, FromClause, Select, cast, func, select

from rowferry.models import Department, HiredEmployee
from rowferry.reports.chart import BAR_COLOUR, LARGEST, MEAN_COLOUR, TEXT_COLOUR, bars, labels
from rowferry.reports.report import Answer, Report
from rowferry.reports.year import Year


def _statement(year: Year, employees: FromClause) -> Select[*tuple[Any, ...]]:
    """Compare whole numbers, for a mean is rarely one; departments without hires count for the mean, too."""
    hired = func.count()
    counted = (
        select(employees.c.department_id, hired.label("hired"), func.sum(hired).over().label("total"))
        .where(year.holds(employees.c.datetime))
        .group_by(employees.c.department_id)
        .subquery()
    )
    departments = select(func.count()).select_from(Department).scalar_subquery()
    total = cast(counted.c.total, BigInteger)
    return (
        select(
            Department.id,
            Department.department,
            counted.c.hired,
            total.label("total"),
            departments.label("departments"),
        )
        .select_from(counted)
        .join(Department, Department.id == counted.c.department_id)
        .where(counted.c.hired * departments > total)
        .order_by(counted.c.hired.desc(), Department.id)
    )


def _draw(answer: Answer) -> dict[str, Any]:
    """One bar for each department, most first, and a line at the mean."""
    rows = answer.found[:LARGEST]
    mean = rows[0]["total"] / rows[0]["departments"]
    named = labels([row["department"] for row in rows])
    values = [{"department": label, "hired": row["hired"]} for label, row in zip(named, rows, strict=True)]
    number = {"text": {"field": "hired", "type": "quantitative", "format": ",d"}}
    text = {"type": "text", "align": "left", "dx": 5, "color": TEXT_COLOUR, "fontWeight": "bold"}
    line = {"type": "rule", "color": MEAN_COLOUR, "strokeDash": [5, 4], "strokeWidth": 1.5}
    layers = [
        {"data": {"values": values}, "mark": {"type": "bar", "color": BAR_COLOUR}},
        {"data": {"values": values}, "mark": text, "encoding": number},
        {"data": {"values": [{"hired": mean}]}, "mark": line, "encoding": {"y": None}},
    ]
    of_all = f"Mean of all {rows[0]['departments']:,} departments: {mean:,.1f} employees (dashed line)"
    in_words = {department["department"]: f"{department['hired']:,}" for department in values}
    return bars(answer.title, of_all, in_words, layers, len(answer.found))


REPORT = Report(
    name="departments-above-mean",
    heading="Departments above the mean",
    about="List the departments that hired more employees in a year than the mean of all departments.",
    title="Departments that hired more than the mean in {year}",
    emptiness="No department hired more than the mean in {year}.",
    columns=("id", "department", "hired"),
    reads=(Department, HiredEmployee),
    statement=_statement,
    counts=HiredEmployee,
    draw=_draw,
)
