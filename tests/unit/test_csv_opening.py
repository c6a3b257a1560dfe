"""How files begin and how they are written: every value lands in the column it is named for, or all is refused."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.dictionary.catalog import load_catalog
from rowferry.dictionary.rules import TableRules, rules_of
from rowferry.errors import DelimiterUnfit, HeaderUnfit, OptionInvalid, RowferryError
from rowferry.judging.rows import raws_of
from rowferry.sources.csv import joined_files
from rowferry.sources.csv.form import CsvForm, csv_form
from rowferry.sources.csv.joined_files import JoinedFiles
from rowferry.sources.csv.opening import SAMPLE_BYTES
from rowferry.sources.csv.source import CsvSource
from rowferry.sources.limits import MAX_ROW_BYTES

CATALOG = load_catalog("rowferry.models")
EMPLOYEES, JOBS = CATALOG.table("hired_employees"), CATALOG.table("jobs")

TEXTS = rules_of(
    sa.Table(
        "texts",
        sa.MetaData(),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("title", sa.Text),
        sa.Column("note", sa.Text),
    )
)

MARK = "\ufeff"

VALUES = {"id": "7", "name": "Ann", "datetime": "2021-05-30T05:43:46Z", "department_id": "1", "job_id": "3"}
"""No two columns have the same, so that a swap would be seen."""


def read(
    data: bytes | str, rules: TableRules, form: CsvForm | None = None
) -> tuple[list[tuple[object, ...]], CsvSource]:
    """All rows that have cells, in their order, and the source."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
        file.flush()
        source = CsvSource(Path(file.name), rules, form=form)
        rows: dict[int, tuple[object, ...]] = {}
        for batch in source.batches():
            for at, position in enumerate(batch.positions.tolist()):
                rows[batch.first + position] = tuple(column[at].as_py() for column in batch.columns)
            for row in batch.odd:
                if row.cells is not None:
                    rows[batch.first + row.position] = tuple(row.cells)
        return [rows[number] for number in sorted(rows)], source


@st.composite
def headers(draw: st.DrawFn) -> tuple[str, list[str], str]:
    """A file with a header, the names it means in their order (others for those that nobody knows), its delimiter."""
    names = draw(st.permutations(list(VALUES)))
    names = names[: draw(st.sampled_from([5, 5, 5, 4, 3]))]
    for name in draw(st.lists(st.sampled_from(["dept_id", "", "job id", "cost", "name", "Id ", "id"]), max_size=2)):
        names.insert(draw(st.integers(0, len(names))), name)
    delimiter = draw(st.sampled_from([",", ",", ";", "\t", "|"]))

    def written(name: str) -> str:
        name = draw(st.sampled_from([name, name.upper(), name.title()]))
        name = draw(st.sampled_from(["", " ", "\u00a0", MARK])) + name + draw(st.sampled_from(["", " ", "  "]))
        return draw(st.sampled_from([name, f'"{name}"']))

    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]))
    before = draw(
        st.lists(st.sampled_from([MARK, end, f" {end}", f"sep={delimiter}{end}", 4 * delimiter + end]), max_size=4)
    )
    if "," not in delimiter and not any("sep" in part for part in before):
        before = [part for part in before if delimiter not in part]
    rows = [
        delimiter.join(map(written, names)),
        delimiter.join(VALUES.get(name.strip().lower(), "9") for name in names),
    ]
    return "".join(before) + end.join(rows), [name.strip().lower() for name in names], delimiter


@made_up(66)
@given(headers())
def test_every_value_lands_in_its_column_or_the_file_is_refused(made: tuple[str, list[str], str]) -> None:
    text, names, delimiter = made
    is_good = sorted(names) == sorted(VALUES)
    is_header = 2 * sum(name in VALUES for name in names) >= len(names)
    try:
        rows, source = read(text, EMPLOYEES)
    except DelimiterUnfit:
        assert delimiter != ","
        assert "sep=" not in text or text.count("sep=") >= 2
        if is_good:
            assert read(text, EMPLOYEES, csv_form(delimiter=delimiter))[0] == [tuple(VALUES.values())]
    except HeaderUnfit as error:
        assert not is_good
        assert is_header
        assert "lacks" in error.message or "has" in error.message
    else:
        assert is_good
        assert rows == [tuple(VALUES.values())]
        assert source.columns == names


LETTERS = st.sampled_from(['"', ",", ";", "\t", "|", "\r", "\n", "\r\n", " ", "a", "é", "", "^", ":", "x" * 30])
cells = st.lists(LETTERS, max_size=6).map("".join)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r\r\n", "\r"])
DELIMITERS = st.sampled_from([*",;\t|:^~ \x01"])


@made_up(66)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8),
    delimiter=DELIMITERS,
    end=LINE_ENDS,
    everything=st.booleans(),
    last=st.booleans(),
)
def test_what_was_written_reads_back_equal_whatever_separates_it(
    rows: list[tuple[str, ...]], delimiter: str, end: str, *, everything: bool, last: bool
) -> None:
    numbered = [(f"k{number}{row[0]}", *row[1:]) for number, row in enumerate(rows)]
    text = written(numbered, delimiter, end, everything=everything)
    form = csv_form("no", delimiter)
    found, source = read(text if last else text.removesuffix(end), TEXTS, form)
    assert found == numbered
    assert source.rows_read == len(rows)


def written(rows: Sequence[Sequence[str]], delimiter: str, end: str, *, everything: bool = False) -> str:
    """As RFC 4180 has it."""

    def quoted(cell: str) -> str:
        must = everything or any(letter in cell for letter in ('"', "\r", "\n", delimiter))
        return '"' + cell.replace('"', '""') + '"' if must else cell

    return "".join(delimiter.join(map(quoted, row)) + end for row in rows)


employees = st.tuples(
    st.integers(1, 99).map(str),
    st.text(alphabet='abc ,;:|^"', min_size=1, max_size=9).map(lambda name: f"A{name}"),
    st.sampled_from(["2021-05-30T05:43:46Z", "2021-05-30 05:43", "", "soon"]),
    st.sampled_from(["1", "2", "", "x"]),
    st.sampled_from(["1", "2", ""]),
)


@made_up(20)
@given(rows=st.lists(employees, min_size=1, max_size=9), header=st.booleans(), end=LINE_ENDS)
def test_a_file_whose_rows_fit_the_comma_is_never_refused(
    rows: list[tuple[str, ...]], *, header: bool, end: str
) -> None:
    found, _ = read(written([tuple(VALUES), *rows] if header else rows, ",", end), EMPLOYEES)
    assert found == rows


good_employees = employees.filter(lambda row: row[1].count(",") < 4).map(
    lambda row: (*row[:2], "2021-05-30T05:43:46Z", "1", "2")
)
"""No row of them fits the comma."""


@made_up(20)
@given(
    rows=st.lists(good_employees, min_size=1, max_size=9),
    header=st.booleans(),
    delimiter=st.sampled_from([*";\t|^~\x01"]),
)
def test_another_delimiter_is_told_and_nothing_read(
    rows: list[tuple[str, ...]], delimiter: str, *, header: bool
) -> None:
    text = written([tuple(VALUES), *rows] if header else rows, delimiter, "\n")
    with pytest.raises(DelimiterUnfit) as caught:
        read(text, EMPLOYEES)
    assert "--delimiter" in caught.value.advice
    assert read(text, EMPLOYEES, csv_form(delimiter=delimiter))[0] == rows


@pytest.mark.parametrize("text", ["a;b\nc", "one\ntwo", "x\ty\nz", "sep\nb"])
def test_a_table_of_one_column_has_no_delimiter_to_miss(text: str) -> None:
    tags = rules_of(sa.Table("tags", sa.MetaData(), sa.Column("tag", sa.Text, primary_key=True)))
    assert [row[0] for row in read(text, tags)[0]] == text.split("\n")


def test_a_decimal_comma_does_not_hide_a_semicolon() -> None:
    pay = rules_of(
        sa.Table("pay", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("a", sa.Text))
    )
    for text in ("1;2,5\n2;3,5\n", "id;a\n1;2,5\n"):
        with pytest.raises(DelimiterUnfit, match="';'"):
            read(text, pay)
        assert read(text, pay, csv_form(delimiter=";"))[0][0] == ("1", "2,5")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,a\r\r\n2,b\r\r\n", [("1", "a"), ("2", "b")]),
        ('1,"a"\r\r\n2,"b"\r\r', [("1", "a"), ("2", "b")]),
        ("1,a\r2,b", [("1", "a"), ("2", "b")]),
        ('1,"a\nb\r"\r2,b\r', [("1", "a\nb\r"), ("2", "b")]),
        ("1,a\r\n2,b\n3,c\r\r\n", [("1", "a"), ("2", "b"), ("3", "c")]),
        ("1,a\n2,b\rc\n3,c\n", [("1", "a"), ("3", "c")]),
        ("1,a\n2,b\r\r\r\n", [("1", "a")]),
        ("1,a\r2,b\nc\r3,c\r", [("1", "a"), ("3", "c")]),
        ('1,"a"\r\r\r\n2,b\n', [("2", "b")]),
    ],
)
def test_line_ends(text: str, rows: list[tuple[str, ...]]) -> None:
    assert read(text, JOBS)[0] == rows


def test_raw_rows_stay_as_they_stood() -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(b'1,"a\n\rb"\r2,x\ny\r3\r')
        file.flush()
        (batch,) = CsvSource(Path(file.name), JOBS).batches()
        rows = ['1,"a\n\rb"', "2,x\ny", "3"]
        assert [batch.raw(at) for at in range(batch.count)] == rows
        assert raws_of(batch, np.arange(batch.count)).to_pylist() == rows
        assert [fault.message for row in batch.odd for fault in row.faults][:1] == [
            "an unquoted field contains a line feed, but lines end with CR"
        ]


@pytest.mark.parametrize(
    ("before", "passed"),
    [
        ("", 0),
        (MARK, 0),
        (2 * MARK, 0),
        ("\n \n", 2),
        (f"{MARK}\r\n{MARK}", 1),
        ("sep=,\n", 1),
        ('"sep=,"\r\n\n', 2),
        (",\n", 1),
    ],
)
def test_what_is_passed_over_counts_as_rows(before: str, passed: int) -> None:
    _, source = read(f"{before}id,job\n1,a\n", JOBS)
    assert (source.rows_read, source._opening.rows) == (1, passed + 1)


def test_a_sep_line_is_honoured_unless_a_delimiter_was_given() -> None:
    assert read("sep=;\njob;id\na,b;1\n", JOBS)[0] == [("1", "a,b")]
    assert read("sep=;\njob,id\na;b,1\n", JOBS, csv_form(delimiter=","))[0] == [("1", "a;b")]
    with pytest.raises(DelimiterUnfit):
        read("sep=;\njob,id\na,1\n", JOBS)


def test_a_header_may_be_declared() -> None:
    assert read("job,id\n", TEXTS, csv_form("no"))[1].rows_read == 1
    with pytest.raises(HeaderUnfit, match="lacks code and has a, b, which are not columns of texts"):
        read("a,b\nc,d\n", TEXTS, csv_form("yes"))
    assert read("code,title,note\n", TEXTS, csv_form("no"))[0] == [("code", "title", "note")]
    assert read("a,b,c\nd,e,f\n", TEXTS)[0] == [("a", "b", "c"), ("d", "e", "f")]
    renamed = csv_form("yes", rename=["a=title", "b=code"], ignore_columns=["c, d"])
    assert read("A,b,C\n1,2,3\n", TEXTS, renamed)[0] == [("2", "1", "")]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("id,job,job", "has job more than once"),
        ("id", "lacks job"),
        (",id,job", "has a column without a name, which is not a column of jobs"),
        ('id,"jo"b,job', 'has "jo"b, which is not a column of jobs'),
        ("id,job,{x}", "has {x}, which is not a column of jobs"),
        ("id,job,\x1b[1m\0", r"has \x1b[1m\x00, which is not a column of jobs"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header: str, reason: str) -> None:
    with pytest.raises(HeaderUnfit) as caught:
        read(f"{header}\n1,a\n", JOBS)
    assert reason in caught.value.message
    assert "--header no" in caught.value.advice


def test_the_advice_can_be_followed() -> None:
    index = read(",id,job\n0,1,a\n", JOBS, csv_form(ignore_columns=[""]))[0]
    listed = read('"a,b",id,job, c \n0,1,a,2\n', JOBS, csv_form(ignore_columns=['"a,b",C']))[0]
    assert index == listed == [("1", "a")]


def test_a_column_that_may_be_absent_is_noted() -> None:
    rows, source = read("note,code\nx,1\n", TEXTS)
    assert rows == [("1", "", "x")]
    assert source.notes == ["the file has no column title: new rows take the default, others stay as they are"]


def test_a_header_of_other_names_is_noted() -> None:
    assert "row 1 was read as data" in read("number,occupation\n1,Clerk\n", JOBS)[1].notes[0]
    assert read("1,Clerk\n", JOBS)[1].notes == []


def test_words_for_null_are_missing_but_in_quotes() -> None:
    text = 'code,title,note\n1,NULL,x\n2,"NULL",\\N\n3,"a\nb",NULL\nNULL,"","N"\n'
    rows, source = read(text, TEXTS, csv_form(null=["NULL", r"\N"]))
    assert rows == [("1", "", "x"), ("2", "NULL", ""), ("3", "a\nb", ""), ("", "", "N")]
    assert "1 cell contains NULL" in source.notes[0]
    assert r"6 cells contain NULL, \N as text" in read(text.replace("x", "NULL"), TEXTS)[1].notes[0]
    assert read(text, TEXTS)[1].notes == read(text.replace("\n", "\r"), TEXTS)[1].notes


def test_a_header_may_be_longer_than_what_is_looked_at() -> None:
    others = [f"column {number} of many" for number in range(10_000)]
    form = csv_form(ignore_columns=[",".join(others)])
    text = ",".join([*others, "job", "id"]) + "\n" + 10_000 * "," + "a,1\n"
    assert len(text) > 3 * SAMPLE_BYTES
    assert read(text, JOBS, form)[0] == [("1", "a")]


def test_a_header_may_stand_behind_more_blank_lines_than_are_looked_at() -> None:
    rows, source = read(2 * SAMPLE_BYTES * "\n" + "job,id\na,1\n", JOBS)
    assert (rows, source.rows_read) == ([("1", "a")], 1)


def test_a_row_may_be_too_long_as_the_first_or_without_an_end() -> None:
    long = 5 * MAX_ROW_BYTES * "x"
    for text, rows in ((f"{long}\n2,b\n", [("2", "b")]), (f"1,a\n2,{long}", [("1", "a")]), (long, [])):
        found, source = read(text, JOBS)
        assert (found, source.rows_read) == (rows, len(rows) + 1)


def test_a_line_of_very_many_cells_is_a_row_like_others() -> None:
    for first in (b"1,a\n", b""):
        rows, source = read(first + b"x" + 200_000 * b"," + b"\n2,b\n", JOBS)
        assert (rows[-1], source.rows_read) == (("2", "b"), 3 if first else 2)


@pytest.mark.parametrize(
    "said",
    [
        {"header": "maybe"},
        {"delimiter": ""},
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "é"},
        {"delimiter": "\udcff"},
        {"null": ["\udcff"]},
        {"null": ["a\0"]},
        {"rename": ["a"]},
        {"rename": ["=a"]},
        {"rename": ["a="]},
        {"ignore_columns": ['"a']},
        {"header": "no", "rename": ["a=b"]},
        {"header": "no", "ignore_columns": ["a"]},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(OptionInvalid) as caught:
        csv_form(**said)  # type: ignore[arg-type]
    assert caught.value.advice


@made_up(20)
@given(
    st.lists(
        st.sampled_from(["sep=", ";", ",", "\n", "\r", MARK, '"', "id", "job", "1", " ", "\0", "\t", "\xff"]),
        max_size=30,
    )
)
def test_no_beginning_breaks_the_reader(pieces: list[str]) -> None:
    data = b"".join(b"\xff" if piece == "\xff" else piece.encode() for piece in pieces)
    for rules in (JOBS, TEXTS):
        for form in (csv_form(), csv_form("yes"), csv_form("no", ";")):
            try:
                read(data, rules, form)
            except RowferryError as error:
                assert error.advice


def test_of_many_files_little_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held of a file when its columns are known is what its rows are read from; others are opened again."""
    monkeypatch.setattr(joined_files, "_MOST_HELD", 8)
    for name in "abc":
        (tmp_path / name).write_text(f"1,{name}\n")
    files = [CsvSource(tmp_path / name, JOBS) for name in "abc"]
    source = JoinedFiles(files, ["a", "b", "c"])
    source.shapes()
    assert [file.held for file in files] == [4, 4, 0]
    (tmp_path / "a").unlink()
    (batch,) = source.batches()
    assert batch.columns[1].to_pylist() == ["a", "b", "c"]
