"""Reports of one's own on every database: they read, in bounded time, and give what is there without loss."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loading import Tables
from owning import HEAD, ServiceOf
from rowferry.bootstrap import Service
from rowferry.errors import (
    ReportParametersUnfit,
    ReportRefused,
    ReportTooLarge,
    ReportTooSlow,
    RowferryError,
    WorkCancelled,
)
from rowferry.reports.own import answer as own
from rowferry.reports.own.answer import OwnAnswer, ask
from rowferry.reports.own.files import read_report
from rowferry.reports.spreadsheet import as_csv

Asked = Callable[..., OwnAnswer]

HIRED = """\
-- parameter year integer = 2021
-- parameter department text = null
-- parameter since datetime = null
-- chart: bar x=department y=hired color=job
SELECT d.department, j.job, count(*) AS hired FROM hired_employees e
JOIN departments d ON d.id = e.department_id JOIN jobs j ON j.id = e.job_id
WHERE e.id > :year - 2021 AND (:department IS NULL OR d.department = :department)
AND (:since IS NULL OR e.datetime >= :since)
GROUP BY d.department, j.job ORDER BY d.department, j.job;
"""

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "


@pytest.fixture
def asked(service: Service, tmp_path: Path) -> Asked:
    """What a report finds, given the content of its file."""
    return asking(service, tmp_path)


def asking(service: Service, folder: Path) -> Asked:
    def run(content: str, seconds: float = 30.0, **given: str) -> OwnAnswer:
        path = folder / "hired.sql"
        path.write_text(content)
        report, faults = read_report(path)
        assert faults == []
        return ask(report, service.backend, given, seconds)

    return run


def test_values_are_bound(asked: Asked, filled: Tables) -> None:
    everything = asked(HIRED)
    assert [row["department"] for row in everything.rows] == ["Legal", "Sales", "Support"]
    assert sum(row["hired"] for row in everything.rows) == 5_000
    assert everything.as_dict()["parameters"] == {"year": 2021, "department": None, "since": None}
    sales = asked(HIRED, year="2024", department="Sales")
    assert [list(row.values()) for row in sales.rows] == [["Sales", "Clerk", 1_665]]
    assert asked(HIRED, department="' OR '1'='1").rows == []
    assert asked(HIRED, since="2021-07-01T12:00:00+02:00").rows == everything.rows
    assert asked(HIRED, since="2021-07-01T10:00:00.000001Z").rows == []
    with pytest.raises(ReportParametersUnfit, match="year must be an integer, not '2021; DELETE FROM jobs'"):
        asked(HIRED, year="2021; DELETE FROM jobs")
    assert filled.count("hired_employees") == 5_000


def test_the_example_of_the_documentation(asked: Asked, filled: Tables) -> None:
    page = (Path(__file__).parents[2] / "docs/howto/reports.md").read_text("utf-8")
    (example,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert [row["hired"] for row in asked(example).rows] == [1_667, 1_667, 1_666]
    assert asked(example, since="2022-01-01T00:00:00Z", department="Sales").rows == []
    assert filled.count("departments") == 3


def test_it_is_drawn(asked: Asked, filled: Tables) -> None:
    drawn = asked(HIRED).chart()
    assert [point["y"] for point in drawn["data"]["values"]] == [1_667, 1_666, 1_667]
    assert "Sales, Clerk: 1666" in drawn["description"]
    assert drawn["title"]["subtitle"] == "year: 2021"
    assert "There are no rows" in asked(HIRED, department="None").chart()["description"]
    line = "-- chart: line x=a y=b\nSELECT 'x' AS a, CAST(NULL AS INTEGER) AS b UNION ALL SELECT NULL, 2"
    assert {point["x"] for point in asked(line).chart()["data"]["values"]} == {"x", "(none)"}
    many = ENDLESS + "SELECT x AS a, x AS b FROM n LIMIT 31"
    assert "first 30 of 31 rows" in asked("-- chart: bar x=a y=b\n" + many).chart()["description"]
    for chart in ("bar x=a y=no", "bar x=a y=c"):
        with pytest.raises(ReportRefused, match=r"its chart names the column no|which holds 'z'"):
            asked(f"-- chart: {chart}\nSELECT 'x' AS a, 'z' AS c").chart()
    with pytest.raises(ReportRefused, match="declares no chart"):
        asked("SELECT 1 AS a").chart()


@pytest.mark.parametrize(
    "writes",
    [
        "WITH gone AS (SELECT 1) DELETE FROM jobs",
        "SELECT * FROM no_such_table",
        "SELECT 1 AS a, 2 AS a",
        "-- column b text\nSELECT 1 AS a",
        "-- column a date\nSELECT 'soon' AS a",
        "-- column a date\nSELECT 1.5 AS a",
        "-- column a datetime\nSELECT 1 = 1 AS a",
        "SELECT a (",
    ],
)
def test_what_is_refused(asked: Asked, tables: Tables, writes: str) -> None:
    tables.with_parents()
    with pytest.raises(ReportRefused) as caught:
        asked(writes)
    assert "hired.sql" in caught.value.advice
    assert tables.count("jobs") == 3
    tables.put("jobs.csv", "4,Cook\n")  # the connection writes again
    assert tables.count("jobs") == 4


def test_time_is_bounded(asked: Asked, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReportTooSlow):
        asked(ENDLESS + "SELECT count(*) AS a FROM n", seconds=0.2)
    with pytest.raises(ReportTooSlow):
        asked(ENDLESS + "SELECT x FROM n", seconds=0.01)
    assert asked("SELECT 1 AS a").rows == [{"a": 1}]

    def cancel(*_: object) -> None:
        raise WorkCancelled(reason="by somebody else")

    monkeypatch.setattr(own, "_rows", cancel)
    with pytest.raises(WorkCancelled):
        asked("SELECT 1 AS a")


def test_rows_are_bounded_and_none_is_left_out(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "MOST_ROWS", 2_000)
    assert len(asked(ENDLESS + "SELECT x FROM n LIMIT 2000").found) == 2_000
    with pytest.raises(ReportTooLarge):
        asked(ENDLESS + "SELECT x FROM n")


TYPED = """\
-- parameter at datetime
-- parameter day date
-- parameter price decimal
-- parameter size float
-- parameter open boolean
-- parameter name text
-- column at datetime: when
-- column day date
-- column price decimal
-- column open boolean
-- column nil date
SELECT at, day, price, size, open, name, NULL AS nil FROM boxes
WHERE at = :at AND day = :day AND price = :price AND size = :size AND open = :open AND name = :name
"""


def test_values_of_every_kind(service_of: ServiceOf, tmp_path: Path) -> None:
    columns = 'Column("id", Integer, primary_key=True), Column("at", DateTime(timezone=True)), Column("day", Date)'
    columns += ', Column("price", Numeric(9, 2)), Column("size", Double), Column("open", Boolean)'
    source = HEAD + f'boxes = Table("boxes", metadata, {columns}, Column("name", String(50)))\n'
    tables = Tables(service_of(source), tmp_path)
    tables.put("boxes.csv", "1,2021-05-30T05:43:46.25Z,2021-05-30,0.30,0.1,true,=1+1\n")
    given = {"at": "2021-05-30 07:43:46.25+02:00", "day": "2021-05-30", "price": "0.3", "size": "0.1"}
    found = asking(tables.service, tmp_path)(TYPED, **given, open="TRUE", name="=1+1")
    (row,) = found.rows
    price = Decimal(row.pop("price"))
    assert price == Decimal("0.3")
    assert row == {
        "at": "2021-05-30T05:43:46.250000Z",
        "day": "2021-05-30",
        "size": 0.1,
        "open": True,
        "name": "=1+1",
        "nil": None,
    }
    assert "2021-05-30T05:43:46.250000Z,2021-05-30,0.3" in as_csv(found)
    assert ",true,'=1+1," in as_csv(found)


def test_odd_names_and_signs(asked: Asked) -> None:
    odd = '-- parameter t text\nSELECT \'x%(y)s %s ? :z\' AS "a%b", :t AS "é :t", 5 % 3 AS m -- what is :left\n'
    assert asked(odd, t="%s ? :t 100%").rows == [{"a%b": "x%(y)s %s ? :z", "é :t": "%s ? :t 100%", "m": 2}]


def test_values_that_no_column_of_ours_has() -> None:
    given: list[Any] = [
        b"\x01\xff",
        dt.datetime.fromisoformat("2021-05-30"),
        dt.time(5, 6),
        [1, None, Decimal("1E+2")],
        {"a": b""},
    ]
    assert own.as_json(given) == ["01ff", "2021-05-30T00:00:00", "05:06:00", [1, None, "100"], {"a": ""}]
    assert own.as_json([float("inf"), dt.timedelta(1)]) == ["Infinity", "1 day, 0:00:00"]


def test_values_within_values_are_told_as_json(tmp_path: Path) -> None:
    (tmp_path / "made.sql").write_text("SELECT 1")
    report, _ = read_report(tmp_path / "made.sql")
    found = OwnAnswer(
        report, {}, ("a", "b"), [{"a": {"é": [None, True]}, "b": [Decimal("1.50"), dt.date(2021, 5, 30)]}]
    )
    assert list(found.cells()) == [['{"é": [null, true]}', '["1.50", "2021-05-30"]']]


def test_whoever_may_not_read_is_told(asked: Asked, owned: Tables) -> None:
    owned.with_parents()
    assert asked("SELECT count(*) AS a FROM jobs").rows == [{"a": 3}]
    with pytest.raises(RowferryError):
        asked("SELECT * FROM pg_authid")
