"""Columns that rows leave out take their default in new rows, and stay as they are in others."""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from batching import Batches
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores, counts as changes
from rowferry.dictionary.avro_schema import avro_schema
from rowferry.errors import HeaderUnfit
from rowferry.operations.restore_sources import RestoreSource
from rowferry.sources.csv.correctable import Written, correctable_csv

NOTES = """\
import itertools
import uuid

from sqlalchemy import CheckConstraint, Column, Identity, Integer, MetaData, String, Table, func, text

metadata = MetaData()
turns = itertools.count(100)
notes = Table(
    "notes", metadata,
    Column("id", Integer, primary_key=True),
    Column("body", String(30), nullable=False),
    Column("state", String(9), nullable=False, default="new"),
    Column("turn", Integer, nullable=False, default=lambda: next(turns)),
    Column("size", Integer, nullable=False, default=func.abs(-7)),
    Column("stars", Integer, CheckConstraint("stars > 0", name="some_stars"), nullable=False, server_default=text("3")),
    Column("mark", String(9), nullable=False, default=""),
    Column("remark", String(9)),
)
"""


@pytest.fixture
def notes(service_of: ServiceOf, tmp_path: Path) -> Tables:
    return Tables(service_of(NOTES), tmp_path)


def test_what_is_left_out_takes_its_default(notes: Tables) -> None:
    receipt = notes.put("notes.csv", "body\none\ntwo\n")
    assert counts(receipt) == (2, 2, 0, 0, 0)
    again = "the file does not have the primary key: if the file is loaded again, its rows are inserted again"
    assert again in receipt.tables[0].notes
    (first, second) = notes.rows("notes")
    assert first[:3] + first[4:] == (1, "one", "new", 7, 3, "", None)
    assert (second[0], second[1], second[3] - first[3]) == (2, "two", 1)
    notes.put("notes.csv", "body\none\n")
    assert notes.count("notes") == 3  # without a key, each row is another one


def test_a_present_cell_that_is_empty_is_missing(notes: Tables) -> None:
    notes.put("notes.csv", "id,body,state,stars\n1,one,,\n2,two,old,\n3,three,old,9\n")
    assert notes.codes() == [(2, ["value.required"] * 2), (3, ["value.required"])]


def test_an_update_leaves_alone_what_a_file_has_not(notes: Tables) -> None:
    notes.put("notes.csv", "id,body,state,turn,size,stars,mark,remark\n1,one,old,5,6,7,m,r\n2,two,old,5,6,7,m,r\n")
    before = notes.rows("notes")
    receipt = notes.put("notes.csv", "body,id\nchanged,1\ntwo,2\nthree,3\n", on_conflict="update")
    assert counts(receipt) == (3, 1, 1, 1, 0)
    after = notes.rows("notes")
    assert after[:2] == [(1, "changed", *before[0][2:]), before[1]]
    assert (after[2][:3], after[2][4:]) == ((3, "three", "new"), (7, 3, "", None))


def test_a_row_is_refused_where_others_leave_columns_out_that_are_required(notes: Tables) -> None:
    """What the database asks of these columns is nothing that it could be asked of the rows beforehand."""
    notes.execute("CREATE UNIQUE INDEX lonely ON notes (abs(turn))")
    assert counts(notes.put("notes.csv", "id,body,turn\n1,one,5\n2,two,-5\n3,three,6\n")) == (3, 2, 0, 0, 1)
    assert notes.codes() == [(3, ["database.lonely"])]
    assert [row[5] for row in notes.rows("notes")] == [3, 3]


def test_files_with_other_columns_are_one_source(notes: Tables) -> None:
    paths = [
        notes.write("notes.csv", "body\nnumbered\n", "a"),
        notes.write("notes.csv", "id,body,stars\n1,one,9\n2,two,9\n", "b"),
        notes.write("notes.csv", "id,body\n1,again\n3,three\n", "c"),
    ]
    receipt = notes.load(*paths)
    assert [(table.inserted, table.rejected) for table in receipt.tables] == [(1, 0), (2, 0), (1, 1)]
    assert notes.codes() == [(2, ["key.duplicate"])]
    assert [(row[0], row[1], row[5]) for row in notes.rows("notes")] == [
        (1, "one", 9),
        (2, "two", 9),
        (3, "three", 3),
        (4, "numbered", 3),
    ]


def test_a_column_without_default_has_to_be_given(notes: Tables) -> None:
    error = notes.fail(HeaderUnfit, notes.write("notes.csv", "id,state\n1,new\n"))
    assert "lacks body" in error.message


def test_rows_of_a_batch_leave_out_what_they_like(notes: Tables) -> None:
    batches = Batches(notes)
    receipt = batches.put(
        {
            "notes": [
                {"body": "one"},
                {"id": 7, "body": "two", "stars": 1},
                {"id": 7, "body": "again"},
                {},
                {"body": None},
            ]
        }
    )
    assert [(row.index, [e["code"] for e in row.errors]) for row in receipt.rejected] == [
        (2, ["key.duplicate"]),
        (3, ["value.required"]),
        (4, ["value.required"]),
    ]
    rows = notes.rows("notes")
    assert [(row[1], row[2], row[4], row[5], row[6], row[7]) for row in rows] == [
        ("two", "new", 7, 1, "", None),
        ("one", "new", 7, 3, "", None),
    ]
    assert [row[0] for row in rows] == [7, 8]
    receipt = batches.put(
        {"notes": [{"id": 7, "body": "three"}, {"id": 8, "body": "one", "remark": "r"}]}, on_conflict="update"
    )
    assert receipt.updated == {"notes": 2}
    assert [(row[1], row[5], row[7]) for row in notes.rows("notes")] == [("three", 1, None), ("one", 3, "r")]


DEFAULTS: dict[str, Any] = {"state": "new", "stars": 3, "remark": None}
VALUES: dict[str, list[Any]] = {"state": ["new", "old"], "stars": [1, 3], "remark": ["r", "s"]}

optional: dict[str, st.SearchStrategy[Any]] = {name: st.sampled_from(values) for name, values in VALUES.items()}
some_rows = st.lists(
    st.fixed_dictionaries({"body": st.sampled_from("ab")}, optional={"id": st.integers(1, 5), **optional}),
    min_size=1,
    max_size=6,
)


class Expected:
    """What a plain dictionary with defaults makes of rows, one by one; of those without a key, all but the key."""

    def __init__(self) -> None:
        self.by_key: dict[int, dict[str, Any]] = {}
        self.numbered: Counter[tuple[Any, ...]] = Counter()

    def put(self, rows: list[dict[str, Any]]) -> int:
        """Insert or update rows; how many were rejected, as an earlier one has their key."""
        taken, rejected = set[int](), 0
        for row in rows:
            key = row.get("id")
            if key is None:
                self.numbered[tuple((DEFAULTS | row)[name] for name in ("body", *DEFAULTS))] += 1
            elif key in taken:
                rejected += 1
            else:
                taken.add(key)
                self.by_key[key] = self.by_key.get(key, DEFAULTS) | row
        return rejected

    def found(self, rows: list[tuple[Any, ...]]) -> bool:
        """Whether a table has these rows and no others."""
        own = [(row[0], (row[1], row[2], row[5], row[7])) for row in rows]
        wanted = {key: tuple(row[name] for name in ("body", *DEFAULTS)) for key, row in self.by_key.items()}
        others = Counter(values for key, values in own if key not in wanted)
        return {key: values for key, values in own if key in wanted} == wanted and others == self.numbered


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(operations=st.lists(st.tuples(st.booleans(), some_rows), min_size=1, max_size=3))
def test_any_columns_may_be_left_out(notes: Tables, operations: list[tuple[bool, list[dict[str, Any]]]]) -> None:
    """In files of any columns and in batches; the keys that are given are those that the database does not give."""
    notes.execute("DELETE FROM notes")
    expected = Expected()
    notes.put("notes.csv", "id,body\n1000,z\n")  # the database numbers rows behind it
    expected.put([{"id": 1000, "body": "z"}])
    for is_batch, rows in operations:
        rejected = expected.put(rows)
        if is_batch:
            assert len(Batches(notes).put({"notes": rows}, on_conflict="update").rejected) == rejected
        else:
            receipt = notes.load(*_files(notes, rows), on_conflict="update")
            assert receipt.total("rejected") == rejected
        assert expected.found(notes.rows("notes"))


def _files(notes: Tables, rows: list[dict[str, Any]]) -> list[Path]:
    """Rows in files of the same columns, in their order."""
    return [
        notes.write("notes.csv", "\n".join([",".join(names), *(",".join(map(str, r.values())) for r in some)]), str(at))
        for at, (names, some) in enumerate(groupby(rows, key=tuple))
    ]


ALWAYS = HEAD + (
    'tickets = Table("tickets", metadata, Column("id", Integer, Identity(always=True), primary_key=True), '
    'Column("text", String(9), nullable=False), Column("stars", Integer, nullable=False, server_default="3"))\n'
)

BEFORE = {1: "one", 2: "deux", 4: "four"}


def test_numbers_that_the_database_generates_are_never_given_but_restored(
    service_of: ServiceOf, tmp_path: Path
) -> None:
    tickets = Tables(service_of(ALWAYS), tmp_path)
    assert (
        "id, whose values the database generates"
        in tickets.fail(HeaderUnfit, tickets.write("tickets.csv", "id,text\n1,a\n")).message
    )
    assert counts(tickets.put("tickets.csv", "a,1\nb,2\n")) == (2, 2, 0, 0, 0)
    receipt = Batches(tickets).put({"tickets": [{"text": "c"}, {"id": 9, "text": "d"}]})
    assert [(row.index, row.errors[0]["code"]) for row in receipt.rejected] == [(1, "value.unknown_column")]
    restores, before = Restores(tickets), tickets.rows("tickets")
    backup = restores.back_up("tickets")
    tickets.execute("DELETE FROM tickets WHERE id = 1")
    tickets.execute("UPDATE tickets SET text = 'x' WHERE id = 2")
    assert changes(restores.restore(backup)) == (1, 1, 0, 1, 0)
    tickets.execute("DELETE FROM tickets")
    assert changes(restores.restore(backup)) == (3, 0, 0, 0, 0)
    assert tickets.rows("tickets") == before == [(1, "a", 1), (2, "b", 2), (3, "c", 3)]
    tickets.put("tickets.csv", "text\nd\n")
    assert tickets.rows("tickets")[3:] == [(4, "d", 3)]


def test_a_backup_may_be_older_than_a_column_that_the_database_fills(notes: Tables) -> None:
    rules = notes.service.catalog.table("notes")
    older = rules.only([name for name in rules.names if name != "stars"])
    notes.put("notes.csv", "id,body,stars\n1,one,9\n2,two,8\n3,three,7\n")
    rows = [
        {"id": key, "body": body, "state": "new", "turn": 1, "size": 7, "mark": "m"} for key, body in BEFORE.items()
    ]
    path = notes.folder / "older.avro"
    with path.open("wb") as file:
        fastavro.writer(file, avro_schema(older), [row | {"remark": None} for row in rows])
    notes.execute("UPDATE notes SET turn = 1, mark = 'm'")
    receipt = Restores(notes).restore(RestoreSource(rules, path, path.name))
    assert changes(receipt) == (1, 1, 1, 1, 0)
    assert receipt.tables[0].notes == [
        "the file has no column stars: new rows take the default, others stay as they are"
    ]
    assert [(row[0], row[1], row[5]) for row in notes.rows("notes")] == [(1, "one", 9), (2, "deux", 8), (4, "four", 3)]


def test_what_a_file_left_out_is_left_out_of_its_correctable_file(notes: Tables) -> None:
    notes.put("notes.csv", "body,remark\n,r\n")
    files = {"notes.csv": Written(["body", "remark"])}
    (header, row) = correctable_csv(notes.service.catalog.table("notes"), notes.rejects(), files)
    assert header.lstrip("\ufeff").startswith("body,remark,rejected_row_number")
    assert row.startswith(",r,2,body is required")


def test_a_default_may_be_null_or_blank(service_of: ServiceOf, tmp_path: Path) -> None:
    notes = HEAD + (
        "from sqlalchemy import JSON, null\n"
        'kept = Table("kept", metadata, Column("id", Integer, primary_key=True), Column("body", String(9)),\n'
        '    Column("a", JSON, nullable=False, default=lambda: None), Column("b", JSON, default=JSON.NULL),\n'
        '    Column("c", JSON(none_as_null=True), default=lambda: None))\n'
        'notes = Table("notes", metadata, Column("id", Integer, primary_key=True), Column("body", String(9)),\n'
        '    Column("made", String(9), default=lambda: None), Column("computed", String(9), default=null()),\n'
        '    Column("blank", CHAR(3), nullable=False, default="  "), Column("state", String(9), default=""))\n'
        'marks = Table("marks", metadata, Column("id", Integer, primary_key=True), Column("body", String(9)),\n'
        '    Column("mark", String(9), nullable=False, default=lambda: None))\n'
    )
    tables = Tables(service_of(notes), tmp_path)
    assert counts(tables.put("notes.csv", "id,body\n1,a\n")) == (1, 1, 0, 0, 0)
    Batches(tables).put({"notes": [{"id": 2, "body": "b", "state": "new"}]})
    padded = [(*row[:4], row[4].rstrip(), row[5]) for row in tables.rows("notes")]
    assert padded == [(1, "a", None, None, "", ""), (2, "b", None, None, "", "new")]
    assert counts(tables.put("kept.csv", "id,body\n1,a\n")) == (1, 1, 0, 0, 0)
    with tables.service.backend.engine.connect() as connection:
        texts = "SELECT CAST(a AS TEXT), CAST(b AS TEXT), CAST(c AS TEXT) FROM kept"
        assert tuple(connection.exec_driver_sql(texts).one()) == ("null", "null", None)
    tables.put("marks.csv", "id,body\n1,a\n")
    assert tables.codes() == [(2, ["value.required"])]
    (row,) = Batches(tables).put({"marks": [{"id": 2}]}).rejected
    assert [error["code"] for error in row.errors] == ["value.required"]
