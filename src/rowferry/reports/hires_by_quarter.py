"""Report: how many employees were hired for each job and department, by quarter."""

from collections import Counter
from typing import Any

from sqlalchemy import FromClause, Select, func, select

from rowferry.models import Department, HiredEmployee, Job
from rowferry.reports.chart import LARGEST, QUARTER_COLOURS, TEXT_COLOUR, bars, labels
from rowferry.reports.report import Answer, Report
from rowferry.reports.year import Year

_QUARTERS = {"q1": "January to March", "q2": "April to June", "q3": "July to September", "q4": "October to December"}


def _statement(year: Year, hired: FromClause) -> Select[*tuple[Any, ...]]:
    """Count by id; the counts of departments or jobs of the same name are added up once they are here."""
    at, employee = hired.c.datetime, hired.c
    counts = [
        func.count().filter(year.holds_in_quarter(number, at)).label(quarter)
        for number, quarter in enumerate(_QUARTERS, 1)
    ]
    counted = (
        select(employee.department_id, employee.job_id, *counts)
        .where(year.holds(at))
        .group_by(employee.department_id, employee.job_id)
        .subquery()
    )
    return (
        select(Department.department, Job.job, *(counted.c[quarter] for quarter in _QUARTERS))
        .select_from(counted)
        .join(Department, Department.id == counted.c.department_id)
        .join(Job, Job.id == counted.c.job_id)
    )


def _draw(answer: Answer) -> dict[str, Any]:
    """One bar for each department, made up of its quarters; jobs are too many to be seen."""
    totals: Counter[str] = Counter()
    hired: Counter[tuple[str, str]] = Counter()
    for row in answer.rows:
        for quarter in _QUARTERS:
            hired[row["department"], quarter] += row[quarter]
            totals[row["department"]] += row[quarter]
    most = sorted(totals, key=lambda name: (-totals[name], name))[:LARGEST]
    named = dict(zip(most, labels(most), strict=True))
    values = [
        {"department": label, "quarter": meaning, "place": place, "hired": hired[name, quarter]}
        for name, label in named.items()
        for place, (quarter, meaning) in enumerate(_QUARTERS.items())
    ]
    scale = {"domain": list(_QUARTERS.values()), "range": QUARTER_COLOURS}
    colour = {
        "field": "quarter",
        "type": "nominal",
        "scale": scale,
        "legend": {"title": "Quarter (UTC)", "orient": "top", "symbolType": "square"},
    }
    total = {
        "data": {"values": [{"department": label, "hired": totals[name]} for name, label in named.items()]},
        "mark": {"type": "text", "align": "left", "dx": 5, "color": TEXT_COLOUR, "fontWeight": "bold"},
        "encoding": {"text": {"field": "hired", "type": "quantitative", "format": ",d"}},
    }
    of_all = f"{sum(totals.values()):,} employees in {len(totals):,} departments"
    layer = {"data": {"values": values}, "mark": "bar", "encoding": {"color": colour, "order": {"field": "place"}}}
    in_words = {
        label: _total_and_quarters(totals[name], [hired[name, quarter] for quarter in _QUARTERS])
        for name, label in named.items()
    }
    return bars(answer.title.replace(", job", ""), of_all, in_words, [layer, total], len(totals))


def _total_and_quarters(total: int, quarters: list[int]) -> str:
    return f"{total:,}, by quarter {', '.join(f'{hired:,}' for hired in quarters)}"


REPORT = Report(
    name="hires-by-quarter",
    heading="Hires by quarter",
    about="Count the employees hired in a year for each department and job, by quarter.",
    title="Employees hired in {year}, by department, job and quarter",
    emptiness="Nobody was hired in {year}.",
    columns=("department", "job", *_QUARTERS),
    reads=(Department, Job, HiredEmployee),
    statement=_statement,
    counts=HiredEmployee,
    draw=_draw,
    names=("department", "job"),
)
