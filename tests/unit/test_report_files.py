"""Files of reports: what they declare, and all that can be wrong with them, by file and line."""

from pathlib import Path

import click
import pytest
from hypothesis import given, strategies as st
from sqlalchemy import create_engine, text

from rowferry.api.app import create_app
from rowferry.bootstrap import Service, check_settings
from rowferry.cli.report import report
from rowferry.errors import ReportParametersUnfit, SettingInvalid
from rowferry.reports.listed import REPORTS
from rowferry.reports.own.declarations import OwnReport
from rowferry.reports.own.files import read_report, read_reports
from rowferry.reports.own.statement import read_statement
from rowferry.settings import read_settings

HIRED = """\
-- title: Hired: by department
-- description: How many each department hired,
-- description: in a year.
-- Whatever else is said is a remark.
-- parameter year integer = 2021: the year of hiring
-- parameter since datetime = 2021-01-01T00:00:00Z: from when on
-- parameter name text = null
-- parameter note text = 'it''s: null': a default in quotes
-- parameter least_hired integer: so many at least
-- column department text: its name
-- chart: bar x=department y=hired color=job
SELECT :year, :since, :name, :note, :least_hired
"""


def read(folder: Path, content: str | bytes, name: str = "hired.sql") -> tuple[OwnReport, list[str]]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report, faults = read_report(path)
    return report, [f"{line}: {fault}" for line, fault in faults]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_a_file_declares(tmp_path: Path, ends: str) -> None:
    report, faults = read(tmp_path, "\ufeff" + HIRED.replace("\n", ends))
    assert faults == []
    assert (report.name, report.title) == ("hired", "Hired: by department")
    assert report.description == "How many each department hired, in a year."
    assert report.as_dict()["columns"] == [{"name": "department", "type": "text", "doc": "its name"}]
    assert report.as_dict()["parameters"][0] == {
        "name": "year",
        "type": "integer",
        "required": False,
        "default": "2021",
        "doc": "the year of hiring",
    }
    values = report.judge({"least_hired": "3"})
    assert values["year"] == 2021
    assert values["since"].isoformat() == "2021-01-01T00:00:00+00:00"
    assert (values["name"], values["note"], values["least_hired"]) == (None, "it's: null", 3)


def test_columns_of_any_name(tmp_path: Path) -> None:
    head = '-- chart: line x="a = b" y=q%1\n-- column "a = b" date: when\n-- column q%1 decimal\n'
    report, faults = read(tmp_path, head + "SELECT 1")
    assert faults == []
    assert [column.name for column in report.columns] == ["a = b", "q%1"]
    assert report.chart
    assert (report.chart.x, report.chart.y) == ("a = b", "q%1")


def test_values_are_judged_by_the_grammar_of_their_kinds(tmp_path: Path) -> None:
    report, _ = read(tmp_path, HIRED)
    with pytest.raises(ReportParametersUnfit) as caught:
        report.judge({"year": "2021.0", "since": "today", "name": "\0", "note": " ", "other": "1"})
    for fault in (
        "there is no parameter other",
        "year must be an integer, not '2021.0'",
        "since must be",
        "name must be",
        "note is empty",
        "least_hired is required",
    ):
        assert fault in caught.value.message


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "1: there is no statement"),
        ("-- title: A\n-- title: B\nSELECT 1", "2: a report has one title"),
        ("-- title A\nSELECT 1", "1: a report has one title"),
        ("-- description\nSELECT 1", "1: write `-- description: WORDS`"),
        ("-- titel: A\nSELECT 1", "1: this declares nothing; did you mean `-- title: WORDS`?"),
        ("-- parameter Year integer\nSELECT :Year", "1: write `-- parameter NAME KIND"),
        ("-- parameter year number\nSELECT :year", "1: number is no kind here; use one of boolean, integer"),
        ("-- parameter year integer = x: doc\nSELECT :year", "1: the default: year must be an integer, not 'x'"),
        ("-- parameter year integer =\nSELECT :year", "1: the default: year is empty; leave it out; correct it"),
        ("-- parameter format text\nSELECT :format", "1: format is taken"),
        ("-- parameter a text\n-- parameter a text\nSELECT :a", "2: a is taken"),
        ("-- parameter a text\nSELECT 1", "1: the parameter a is not used"),
        ("-- column a\nSELECT 1", "1: write `-- column NAME KIND: MEANING`"),
        ("-- chart: pie x=a y=b\nSELECT 1", "1: write `-- chart: bar x=COLUMN y=COLUMN` once"),
        ("-- chart: bar x=a\nSELECT 1", "1: write `-- chart:"),
        ("SELECT 1\nWHERE a = :year", "2: :year is not declared; add `-- parameter year text"),
        ("SELECT 1;\n\nDELETE FROM jobs", "3: a second statement begins"),
        ("DELETE FROM jobs", "1: the statement begins with 'DELETE'"),
        ("\n/* a\n*/\nSELECT 'a", "4: what ' begins does not end"),
        ("SELECT $1", "1: $1 is no parameter of a report; write :name"),
        ("SELECT /* a /* b */ 1", "1: a comment begins within a comment"),
        ("SELECT '\0'", "1: it contains NUL"),
        (b"SELECT '\xff'", "1: it is not UTF-8"),
        ("SELECT 1 --" + "x" * (1 << 20), "1: it is larger than 1 MiB"),
    ],
)
def test_what_can_be_wrong(tmp_path: Path, content: str | bytes, fault: str) -> None:
    _, faults = read(tmp_path, content)
    assert len(faults) == 1
    assert faults[0].startswith(fault)


def test_all_faults_of_all_files_are_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "reports"
    monkeypatch.setenv("ROWFERRY_REPORTS", str(folder))
    with pytest.raises(SettingInvalid, match="is not a readable folder: No such file"):
        check_settings(f"sqlite:///{tmp_path}/a.db")
    folder.mkdir()
    for name in ("Hired Years.sql", "hires-by-quarter.sql", "a.sql", "b.sql", ".hidden.sql", "notes.txt"):
        (folder / name).write_text("SELECT :x")
    (folder / "c.sql").mkdir()
    with pytest.raises(SettingInvalid) as caught:
        check_settings(f"sqlite:///{tmp_path}/a.db")
    for told in (
        "Hired Years.sql: a name has small letters",
        "hires-by-quarter.sql: there is a built-in report",
        "a.sql:1: :x is not declared",
        "b.sql:1: :x is not declared",
        "c.sql:1: cannot read it: Is a directory",
    ):
        assert told in caught.value.message
    assert "hidden" not in caught.value.message
    assert read_reports(folder, ())[1][0].startswith("Hired Years")


def test_a_faulty_file_keeps_nobody_from_working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.sql").write_text("SELECT :x")
    monkeypatch.setenv("ROWFERRY_REPORTS", str(tmp_path))
    service = Service(read_settings(f"sqlite:///{tmp_path}/a.db"))
    with pytest.raises(SettingInvalid, match=":x is not declared"):
        create_app(service.settings)
    with pytest.raises(SettingInvalid, match=":x is not declared"):
        report.list_commands(click.Context(report))


def test_files_are_read_once_in_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1")
    monkeypatch.setenv("ROWFERRY_REPORTS", str(tmp_path))
    with click.Context(report) as context:
        assert report.list_commands(context) == [*REPORTS, "a"]
        (tmp_path / "a.sql").unlink()
        assert report.get_command(context, "a") is not None
    assert report.list_commands(click.Context(report)) == list(REPORTS)


def test_what_is_not_closed_is_told_once() -> None:
    found = read_statement("SELECT " + "/* " * 100_000)
    assert found.faults == [(1, "what /* begins does not end; close it")]


_DIALECTS = [
    (create_engine(url).dialect, percent) for url, percent in (("sqlite://", "%"), ("postgresql+psycopg://", "%%"))
]

_PIECES = st.sampled_from(
    [
        "'",
        '"',
        ":a",
        "::",
        ":",
        "\\",
        "\\:",
        "x",
        " ",
        "\n",
        "$$",
        "$a$",
        "e'",
        "''",
        "`",
        "1",
        "[",
        "]",
        "%",
        "?",
        "a:b",
    ]
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_what_is_no_parameter_reaches_the_database_as_it_was_written(source: str) -> None:
    found = read_statement(f"SELECT {source}")
    if found.faults or found.parameters or "--" in source:
        return
    for dialect, percent in _DIALECTS:
        assert str(text(found.text).compile(dialect=dialect)) == f"SELECT {source}".replace("%", percent)


def test_only_parameters_are_bound() -> None:
    source = "SELECT :a::text, ':b', \":c\", $$:d$$, E'\\':e', x[1 :f], '\\:g' -- :h\n/* :i */ FROM t WHERE a=:a"
    found = read_statement(source)
    assert list(found.parameters) == ["a", "f"]
    assert text(found.text).compile().params.keys() == {"a", "f"}
