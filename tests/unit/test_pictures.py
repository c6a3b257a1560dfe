"""What pictures are made of: labels that can be told apart, and texts that can be drawn, wherever they come from."""

import json
from pathlib import Path

import pytest

from rowferry.reports.chart import labels
from rowferry.reports.listed import REPORTS
from rowferry.reports.own.answer import OwnAnswer
from rowferry.reports.own.declarations import Chart, OwnReport
from rowferry.reports.own.drawing import draw
from rowferry.reports.picture import specification
from rowferry.reports.report import Answer

CONTROL = "a\x01b"


def own_report(title: str = "Hired", chart: Chart | None = None) -> OwnReport:
    chart = chart or Chart("bar", "x", "y", "of")
    return OwnReport("hired", Path("hired.sql"), title, "", (), (), chart, "SELECT 1")


def test_labels_differ_as_the_names_do() -> None:
    assert labels(["Same", "Same (2)", "Same", "Same"]) == ["Same", "Same (2)", "Same (3)", "Same (4)"]
    assert labels([CONTROL, "a\x02b"]) == ["a\ufffdb", "a\ufffdb (2)"]
    assert labels(["no\xa0break", "x" * 40]) == ["no\xa0break", f"{'x' * 35}…"]
    assert len(set(labels(["Same"] * 20_000))) == 20_000


@pytest.mark.parametrize("rows", [[], [{"x": CONTROL, "y": 1, "of": CONTROL}]])
def test_texts_of_an_own_report_can_be_drawn_wherever_they_come_from(rows: list[dict[str, object]]) -> None:
    chart = Chart("bar", "x", "y", "of")
    found = OwnAnswer(own_report(CONTROL, chart), {"name": CONTROL}, ("x", "y", "of"), rows)
    drawn = json.dumps(specification(found), ensure_ascii=False)
    assert drawn.isprintable()
    assert drawn.count("a\ufffdb") == (8 if rows else 3)


@pytest.mark.parametrize("name", REPORTS)
def test_names_in_tables_can_be_drawn(name: str) -> None:
    counted = {"q1": 1, "q2": 0, "q3": 0, "q4": 0, "id": 1, "hired": 1, "total": 1, "departments": 2}
    rows = [{"department": department, "job": CONTROL, **counted} for department in (CONTROL, "a\x02b")]
    drawn = json.dumps(specification(Answer(REPORTS[name], 2021, rows)), ensure_ascii=False)
    assert drawn.isprintable()
    assert "a\ufffdb (2)" in drawn


def test_names_of_series_are_as_short_as_those_of_bars() -> None:
    long = ["x" * 99, "x" * 98]
    drawn = draw(own_report(), "", [{"x": name, "y": 1, "of": name} for name in long])
    named = {(point["x"], point["series"]) for point in drawn["data"]["values"]}
    short = f"{'x' * 35}…"
    assert named == {(short, short), (f"{short} (2)", f"{short} (2)")}


@pytest.mark.parametrize("value", ["z", 10**400, [1]])
def test_what_is_no_number_that_can_be_drawn_is_named(value: object) -> None:
    with pytest.raises(LookupError, match="its chart takes numbers from y, which holds"):
        draw(own_report(), "", [{"x": "a", "y": value, "of": "b"}])
