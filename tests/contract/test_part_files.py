"""The files of one table are one source, in the order given: how rows are cut into files changes nothing."""

import json
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from loading import Tables, counts, employees, lines
from made_up import made_up
from rowferry.errors import HeaderMissing, RejectsExceeded
from rowferry.events import RowsJudged
from rowferry.observers.logging import Log
from rowferry.operations.receipt import Receipt

COLUMNS = ["id", "name", "datetime", "department_id", "job_id"]

keys = st.sampled_from(["1", "2", "3", "4", "5", "6", "+1", "x", ""])
parents = st.sampled_from(["1", "2", "3", "9"])
names = st.sampled_from(["Ann", "Bo", '"Li, Mo"', '"a\nb"', 'stray"', ""])
whole_rows = st.tuples(keys, names, st.just("2021-07-01T10:00:00Z"), parents, parents).map(list)
few_fields = st.lists(st.just("1"), min_size=1, max_size=6)
rows_of_a_table = st.lists(whole_rows | whole_rows | whole_rows | few_fields, min_size=1, max_size=14)
cuts = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(["none", "header", "turned"])), max_size=4)

Row = list[str]
Cut = tuple[int, str]


def _parts(rows: Sequence[Row], cut: Sequence[Cut]) -> list[tuple[str, list[Row]]]:
    """The rows of each file, and what header it has; behind a turned one, every file has one."""
    ends = sorted(min(end, len(rows)) for end, _ in cut)
    heads = [head for _, head in cut] + ["none"]
    turned = heads.index("turned") if "turned" in heads else len(heads)
    heads = [*heads[:turned], *("header" if head == "none" else head for head in heads[turned:])]
    both = zip([0, *ends], [*ends, len(rows)], heads, strict=True)
    return [(head, list(rows[begin:end])) for begin, end, head in both]


def _spelled(head: str, rows: Sequence[Row]) -> str:
    """A file; a turned one has its columns in another order, where the rows allow it."""
    if head == "none":
        return lines(rows)
    return lines([COLUMNS, *rows] if head == "header" else [COLUMNS[::-1], *(row[::-1] for row in rows)])


def _found(tables: Tables, receipt: Receipt, sizes: Sequence[tuple[str, int]]) -> list[Any]:
    """The rejected rows of a load by their number in all files, with all that is said of them."""
    before, place = 0, dict[str, int]()
    for (head, rows), line in zip(sizes, receipt.tables, strict=True):
        place[line.source] = before - (head != "none")
        before += rows

    def numbered(message: str) -> str:
        found = re.search(r"taken by row (\d+)(?: of (.*))?$", message)
        source = found[2] if found and found[2] else receipt.tables[0].source
        return message[: found.start()] + f"taken by {place[source] + int(found[1])}" if found else message

    return [
        (place[row["source"]] + row["row_number"], [(e["column"], e["code"], numbered(e["message"])) for e in faults])
        for row in tables.rejects(receipt.load_id)
        if (faults := row["errors"])
    ]


def _reset(tables: Tables) -> None:
    """Parents, and two employees."""
    if not tables.count("jobs"):
        tables.with_parents()
    tables.execute("DELETE FROM hired_employees")
    filled = ", ".join(f"({key}, 'Ann', '2021-07-01 10:00:00.000000', 1, {key})" for key in (1, 2))
    tables.execute(f"INSERT INTO hired_employees VALUES {filled}")


@made_up(10)
@given(rows=rows_of_a_table, cut=cuts, on_conflict=st.sampled_from(["reject", "skip", "update"]))
def test_verdicts_do_not_depend_on_cuts(tables: Tables, rows: list[Row], cut: list[Cut], on_conflict: str) -> None:
    outcomes = []
    for files in ([("none", rows)], _parts(rows, cut)):
        _reset(tables)
        paths = [tables.write(f"{at}.csv", _spelled(head, part)) for at, (head, part) in enumerate(files)]
        rehearsed = tables.load(*paths, table="hired_employees", on_conflict=on_conflict, dry_run=True)
        receipt = tables.load(*paths, table="hired_employees", on_conflict=on_conflict)
        sizes = [(head, len(part)) for head, part in files]
        for line, dry in zip(receipt.tables, rehearsed.tables, strict=True):
            assert line.rows_read == line.inserted + line.updated + line.unchanged + line.rejected
            dry.seconds = line.seconds
            assert dry == line
        assert [line.rows_read for line in receipt.tables] == [len(part) for _, part in files]
        outcomes.append((counts(receipt), _found(tables, receipt, sizes), tables.rows("hired_employees")))
    assert outcomes[0] == outcomes[1]


FIRST, SECOND = "1,Sales\n2,Legal\n", "id,department\n2,Legal\n2,Law\n3,Support\n"


@pytest.mark.parametrize("on_conflict", ["reject", "skip", "update"])
def test_a_key_is_taken_across_files(tables: Tables, on_conflict: str) -> None:
    files = [tables.write("a.csv", FIRST), tables.write("b.csv", SECOND)]
    receipt = tables.load(*files, table="departments", on_conflict=on_conflict)
    assert [(line.source, line.rows_read, line.inserted, line.rejected) for line in receipt.tables] == [
        ("a.csv", 2, 2, 0),
        ("b.csv", 3, 1, 2),
    ]
    assert receipt.tables[1].rejected_by_code == {"key.duplicate": 2}
    told = [(row["source"], row["row_number"], row["raw"], row["errors"][0]["message"]) for row in tables.rejects()]
    assert told == [
        ("b.csv", 2, "2,Legal", "id 2 was taken by row 2 of a.csv"),
        ("b.csv", 3, "2,Law", "id 2 was taken by row 2 of a.csv"),
    ]


@pytest.mark.parametrize("header", ["id,name,datetime,job_id,department_id", "name,id,datetime,department_id,job_id,x"])
def test_a_file_that_may_be_the_rest_of_another_needs_a_header(tables: Tables, header: str) -> None:
    """What cuts a file into parts leaves its header in the first of them, and by no means with the table's order."""
    rows = employees(3)
    files = [tables.write("part-1.csv", f"{header}\n"), tables.write("part-2.csv", rows)]
    error = tables.with_parents().fail(HeaderMissing, *files, table="hired_employees", ignore_columns=("x",))
    assert error.message.startswith("part-2.csv has no header, and the header of part-1.csv, read before it")
    assert ", ".join(COLUMNS) in error.advice
    plain = [
        tables.write("0.csv", ",".join(COLUMNS).upper() + "\n"),
        tables.write("empty.csv", "\n"),
        files[1],
        files[0],
    ]
    assert counts(tables.load(*plain, table="hired_employees", ignore_columns=("x",))) == (3, 3, 0, 0, 0)


def test_files_of_the_same_name_are_told_apart(tables: Tables) -> None:
    folders = ("2020/parts", "2021/parts")
    files = [
        tables.write("departments.csv", content, folder)
        for content, folder in zip((FIRST, SECOND), folders, strict=True)
    ]
    receipt = tables.load(*files)
    assert [line.source for line in receipt.tables] == [f"{folder}/departments.csv" for folder in folders]
    assert tables.rejects()[0]["errors"][0]["message"].endswith("taken by row 2 of 2020/parts/departments.csv")
    assert [source["path"] for source in tables.loads()[0]["sources"]] == list(map(str, files))
    assert counts(tables.load(files[0], files[0])) == (4, 0, 0, 2, 2)


@pytest.mark.parametrize("on_conflict", ["reject", "skip", "update"])
def test_each_file_has_its_own_counts(tables: Tables, on_conflict: str) -> None:
    """Many rows, of which the table has some: in order, so that a part of them goes in early, and in disorder."""
    tables.with_parents().put("hired_employees.csv", employees(30_000))
    rows = employees(60_000).splitlines(keepends=True)
    rows[10:20] = [row.replace("Name", "Nome") for row in rows[10:20]]
    rows[45_000] = "x,,,,\n"
    for order in (rows, rows[::-1]):
        tables.execute("DELETE FROM hired_employees WHERE id > 30000")
        tables.execute("UPDATE hired_employees SET name = 'Nemo' WHERE name LIKE 'Nome%%'")
        files = [
            tables.write(f"{at}.csv", "".join(order[begin : begin + 20_000]))
            for at, begin in enumerate(range(0, 60_000, 20_000))
        ]
        empty = tables.write("empty.csv", "")
        receipt = tables.load(files[0], empty, *files[1:], empty, table="hired_employees", on_conflict=on_conflict)
        found = [(line.inserted, line.updated, line.unchanged, line.rejected) for line in receipt.tables]
        updated, unchanged, rejected = {"reject": (0, 0, 10), "skip": (0, 10, 0), "update": (10, 0, 0)}[on_conflict]
        parts = [(0, updated, 19_990 + unchanged, rejected), (10_000, 0, 10_000, 0), (19_999, 0, 0, 1)]
        first, *others = parts if order is rows else parts[::-1]
        assert found == [first, (0, 0, 0, 0), *others, (0, 0, 0, 0)]


def test_many_small_files_are_judged_together(tables: Tables) -> None:
    tables.with_parents()
    rows = employees(400).splitlines(keepends=True)
    files = [tables.write(f"{at:03}.csv", rows[at]) for at in range(400)]
    receipt = tables.load(*files, table="hired_employees")
    assert counts(receipt) == (400, 400, 0, 0, 0)
    (judged,) = (event for event in tables.events if isinstance(event, RowsJudged))
    assert (judged.rows_read, judged.bytes_read, judged.bytes_total) == (400, *2 * [sum(map(len, rows))])
    assert judged.source == "399.csv"


def test_a_limit_counts_all_files(tables: Tables) -> None:
    files = [tables.write("a.csv", FIRST), tables.write("b.csv", SECOND)]
    tables.fail(RejectsExceeded, *files, table="departments", max_rejects="1")
    assert [(row["source"], row["row_number"]) for row in tables.rejects()] == [("b.csv", 2), ("b.csv", 3)]
    assert [line["rejected"] for line in tables.loads()[0]["tables"]] == [0, 2]


def test_a_load_tells_of_a_thousand_rejected_rows(tables: Tables, tmp_path: Path) -> None:
    files = [tables.write(f"{at}.csv", f"x,Sales\n1,{'n' * 256}\n" * 400) for at in range(2)]
    with closing(Log(tmp_path, "full_bulk_insert")) as log:
        receipt = tables.load(*files, table="departments", observe=log)
    assert receipt.total("rejected") == len(tables.rejects()) == 1_600
    told = [json.loads(line) for line in (tmp_path / "full_bulk_insert.jsonl").read_text().splitlines()]
    rows = [line for line in told if line["event"] == "RowRejected"]
    assert [(line["source"], line["row_number"]) for line in rows] == [
        *(("0.csv", number) for number in range(1, 801)),
        *(("1.csv", number) for number in range(1, 201)),
    ]
    assert rows[1]["faults"] == [["department", "value.length"]]
    assert [line["rows"] for line in told if line["event"] == "MoreRowsRejected"] == [600]
    assert [line["event"] for line in told if line not in rows] == [
        "LoadStarted",
        "PublishStarted",
        "MoreRowsRejected",
        "LoadFinished",
    ]
