"""Reports, beside an oracle in plain Python, on both databases."""

import csv
import io
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loading import Tables, employees, lines
from rowferry.bootstrap import Service
from rowferry.errors import ReportUnavailable, YearInvalid
from rowferry.reports import picture
from rowferry.reports.listed import REPORTS, report_unknown
from rowferry.reports.report import Answer, answer
from rowferry.reports.spreadsheet import as_csv
from rowferry.reports.year import Year
from rowferry.samples import write_samples
from speaking import only_sqlite

Employee = Sequence[Any]
"""Id, name, instant as text in UTC, department id, job id."""


def ask(service: Service, name: str, year: int = 2021) -> Answer:
    return answer(REPORTS[name], service.backend, service.catalog, Year.parse(f"{year:04}"))


def hires_by_quarter(departments: dict[int, str], jobs: dict[int, str], hired: Iterable[Employee]) -> Any:
    """The oracle: department, job and the four quarters."""
    counts = Counter((departments[row[3]], jobs[row[4]], (int(row[2][5:7]) + 2) // 3) for row in hired)
    names = sorted({(department, job) for department, job, _ in counts})
    return [(*name, *(counts[*name, quarter] for quarter in (1, 2, 3, 4))) for name in names]


def departments_above_mean(departments: dict[int, str], hired: Iterable[Employee]) -> Any:
    """The oracle: id, name and number, most first, then by id."""
    counts = Counter(row[3] for row in hired)
    above = [key for key in departments if counts[key] * len(departments) > counts.total()]
    return [(key, departments[key], counts[key]) for key in sorted(above, key=lambda key: (-counts[key], key))]


def assert_as_the_oracle(tables: Tables, year: int) -> tuple[list[Any], list[Any]]:
    """Both reports are as the oracle says of the rows that are in the tables."""
    departments, jobs = (dict(tables.rows(name)) for name in ("departments", "jobs"))
    employees = [(*row[:2], row[2].isoformat(), *row[3:]) for row in tables.rows("hired_employees")]
    hired = [row for row in employees if int(row[2][:4]) == year]
    by_quarter = [tuple(row.values()) for row in ask(tables.service, "hires-by-quarter", year).rows]
    above_mean = [tuple(row.values()) for row in ask(tables.service, "departments-above-mean", year).rows]
    assert by_quarter == hires_by_quarter(departments, jobs, hired)
    assert above_mean == departments_above_mean(departments, hired)
    return by_quarter, above_mean


@only_sqlite
def test_names_that_are_the_same_to_the_database_only(tables: Tables) -> None:
    """For PostgreSQL, tests/postgresql/test_loose_equality.py has the same."""
    for name in ("hired_employees", "departments", "jobs"):
        tables.execute(f"DROP TABLE {name}")
    for name, column in (("departments", "department"), ("jobs", "job")):
        tables.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {column} VARCHAR(255) NOT NULL COLLATE NOCASE)")
    tables.service.start()
    tables.put("departments.csv", "1,Sales\n2,SALES\n3,Sales\n")
    tables.put("jobs.csv", "1,Clerk\n2,clerk\n3,Clerk\n")
    tables.put("hired_employees.csv", employees(90))
    by_quarter, _ = assert_as_the_oracle(tables, 2021)
    assert [row[:2] for row in by_quarter] == [("SALES", "clerk"), ("Sales", "Clerk")]


def test_the_real_input(tables: Tables, globant: Path) -> None:
    tables.load(globant)
    by_quarter, above_mean = assert_as_the_oracle(tables, 2021)
    assert len(by_quarter) == 933
    assert sum(sum(row[2:]) for row in by_quarter) == 1643
    assert above_mean[0] == (8, "Support", 216)
    assert len(above_mean) == 7
    assert_as_the_oracle(tables, 2022)


def test_generated_data(tables: Tables, tmp_path: Path) -> None:
    write_samples(tmp_path / "in", rows=6_000, seed=5, faulty=100)
    tables.load(tmp_path / "in")
    for year in (2021, 2022):
        by_quarter, above_mean = assert_as_the_oracle(tables, year)
        assert len(by_quarter) > 1_500
        assert above_mean


def test_a_year_is_half_open_in_utc_and_so_are_its_quarters(tables: Tables) -> None:
    instants = [
        "2020-12-31T23:59:59.999999Z",
        "2021-01-01T00:00:00Z",
        "2021-03-31T23:59:59.999999Z",
        "2021-04-01T00:00:00Z",
        "2021-07-01T00:00:00",
        "2021-09-30T23:59:59.999999Z",
        "2021-10-01T02:00:00+02:00",
        "2021-12-31T23:59:59.999999Z",
        "2022-01-01T00:30:00+01:00",
        "2022-01-01T00:00:00Z",
    ]
    tables.with_parents().put("hired_employees.csv", lines((n, "x", at, 1, 1) for n, at in enumerate(instants)))
    found = {year: ask(tables.service, "hires-by-quarter", year).rows for year in (2020, 2021, 2022)}
    quarters = {year: [tuple(row.values())[2:] for row in rows] for year, rows in found.items()}
    assert quarters == {2020: [(0, 0, 0, 1)], 2021: [(2, 1, 2, 3)], 2022: [(1, 0, 0, 0)]}


def test_the_first_and_the_last_of_all_years(tables: Tables) -> None:
    instants = ["0001-01-01T00:00:00Z", "0001-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    tables.with_parents().put("hired_employees.csv", lines((n, "x", at, 1, 1) for n, at in enumerate(instants)))
    for year in (1, 9999):
        assert [tuple(row.values())[2:] for row in ask(tables.service, "hires-by-quarter", year).rows] == [(1, 0, 0, 1)]


def test_the_order_is_that_of_code_points_on_every_database(tables: Tables) -> None:
    names = ["Zoo", "apple", "Émile", "Apple", "a b", "a-b", "ab", "é", "10", "9", "明美", "𝒜", "_", "-x"]
    tables.put("departments.csv", lines(enumerate(names)))
    tables.put("jobs.csv", lines(enumerate(reversed(names))))
    everyone = lines((n, "x", "2021-05-05T00:00:00Z", n % len(names), n // len(names)) for n in range(len(names) ** 2))
    tables.put("hired_employees.csv", everyone)
    rows = [(row["department"], row["job"]) for row in ask(tables.service, "hires-by-quarter").rows]
    assert rows == sorted((first, other) for first in names for other in names)
    assert ask(tables.service, "departments-above-mean").rows == []


def test_departments_that_hired_nobody_count_for_the_mean_and_equals_go_by_id(tables: Tables) -> None:
    tables.put("departments.csv", "9,Same\n1,Same\n2,Quiet\n3,Few\n8,Same\n")
    tables.put("jobs.csv", "1,Clerk\n2,Clerk\n")
    instant = "2021-05-05T00:00:00Z"
    hired = [(9, 1)] * 3 + [(1, 2)] * 3 + [(8, 1)] * 3 + [(3, 1)]
    tables.put("hired_employees.csv", lines((n, "x", instant, *where) for n, where in enumerate(hired)))
    assert ask(tables.service, "departments-above-mean").rows == [
        {"id": 1, "department": "Same", "hired": 3},
        {"id": 8, "department": "Same", "hired": 3},
        {"id": 9, "department": "Same", "hired": 3},
    ]
    assert ask(tables.service, "hires-by-quarter").rows == [
        {"department": "Few", "job": "Clerk", "q1": 0, "q2": 1, "q3": 0, "q4": 0},
        {"department": "Same", "job": "Clerk", "q1": 0, "q2": 9, "q3": 0, "q4": 0},
    ]
    drawn = picture.svg(ask(tables.service, "departments-above-mean"))
    assert ">Same<" in drawn
    assert ">Same (2)<" in drawn
    assert ">Same (3)<" in drawn


@pytest.mark.parametrize("name", REPORTS)
def test_a_year_without_hires_is_an_empty_report(service: Service, name: str) -> None:
    found = ask(service, name, 1977)
    assert found.as_dict() == {"report": name, "year": 1977, "rows": []}
    assert as_csv(found) == "\ufeff" + ",".join(REPORTS[name].columns) + "\r\n"
    assert found.emptiness in picture.svg(found)
    assert "1977" in found.emptiness


@pytest.mark.parametrize(
    "year",
    [
        "0",
        "0000",
        "1",
        "21",
        "202",
        "02021",
        "10000",
        "-2021",
        "+2021",
        "20 21",
        "2021.0",
        "MMXXI",
        "",
        "٢٠٢١",
        "9" * 99,
    ],
)
def test_what_is_no_year_is_said_to_be_none(year: str) -> None:
    with pytest.raises(YearInvalid) as caught:
        Year.parse(year)
    assert "0001 to 9999" in caught.value.advice
    assert len(caught.value.message) < 80


def test_an_unknown_report_is_told_with_those_there_are() -> None:
    assert "hires-by-quarter, departments-above-mean, my-own" in report_unknown("hires", ["my-own"]).advice


def test_tables_of_another_module_have_no_reports(new_service: Callable[..., Service]) -> None:
    with pytest.raises(ReportUnavailable) as caught:
        ask(new_service("fourth_table"), "departments-above-mean")
    assert "departments, hired_employees" in caught.value.advice


NASTY = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "  =1",
    'a "b", c',
    "<script>alert(1)</script>",
    "ok",
    "a\x01b",
    "]]>&",
]


@pytest.fixture
def nasty(tables: Tables) -> Tables:
    """Departments whose names are meant to do harm."""
    written = io.StringIO()
    csv.writer(written).writerows(enumerate(NASTY))
    tables.put("departments.csv", written.getvalue())
    tables.put("jobs.csv", "1,=cmd|' /C calc'!A0\n")
    hires = [key for key in range(len(NASTY)) for _ in range(key + 1)]
    instant = "2021-05-05T00:00:00Z"
    tables.put("hired_employees.csv", lines((n, "x", instant, key, 1) for n, key in enumerate(hires)))
    return tables


def test_csv_for_spreadsheets_holds_no_formula(nasty: Tables) -> None:
    found = ask(nasty.service, "hires-by-quarter")
    _, *rows = csv.reader(io.StringIO(as_csv(found), newline=""))
    assert {row[1] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert [row[0].removeprefix("'") for row in rows] == sorted(NASTY)
    formulas = [name for name in NASTY[:6] if name not in {"+1", "-1"}]  # these are numbers
    assert {row[0] for row in rows if row[0].startswith("'")} == {f"'{name}" for name in formulas}
    assert {row["department"] for row in found.rows} == set(NASTY)


@pytest.mark.parametrize("name", REPORTS)
def test_a_picture_says_what_it_shows_and_nothing_in_it_is_markup(nasty: Tables, name: str) -> None:
    found = ask(nasty.service, name)
    drawn = picture.svg(found)
    assert drawn == picture.svg(ask(nasty.service, name))
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.findtext("{*}title") == found.title
    assert "<script>alert(1)</script>: 8" in (root.findtext("{*}desc") or "")
    elements = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert elements <= {"svg", "title", "desc", "g", "path", "rect", "line", "text", "style"}
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Employees hired (people)", "Department", "<script>alert(1)</script>"} <= set(texts)
    assert "http" not in drawn.replace("http://www.w3.org/", "")
    head = picture.png(found)[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    assert width > height > 300


def test_a_picture_of_very_many_departments_shows_those_that_hired_most(tables: Tables) -> None:
    tables.put("departments.csv", lines((n, f"Department {n}") for n in range(500)))
    tables.put("jobs.csv", "1,Clerk\n")
    hires = [key for key in range(500) for _ in range(1 if key < 400 else key % 100 + 2)]
    tables.put("hired_employees.csv", lines((n, "x", "2021-05-05T00:00:00Z", key, 1) for n, key in enumerate(hires)))
    for name in REPORTS:
        drawn = picture.svg(ask(tables.service, name))
        assert "the 30 that hired the most" in drawn
        assert "Department 499" in drawn
        assert "Department 401" not in drawn
