"""What other programs wrote into SQLite is what it stands for, however it is spelled: in all that reads or compares."""

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from batching import Batches, codes
from loading import Tables, counts
from made_up import made_up
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry.bootstrap import Service
from rowferry.errors import KeyHeldTwice, KeySpelledOtherwise, KeyUnfit, ValueUnstorable
from rowferry.kinds.datetimes import DATETIME
from rowferry.operations.read_rows import key_of, read_rows
from rowferry.reports.listed import REPORTS
from rowferry.reports.report import answer
from rowferry.reports.year import Year
from speaking import only_sqlite
from sqlite_forms import INSTANTS, ODD, forms

pytestmark = only_sqlite

ID = 'Column("id", Integer, primary_key=True, autoincrement=False)'
MICROSECOND = dt.timedelta(microseconds=1)

Held = list[tuple[dt.datetime, Any]]
"""Instants, and how each is spelled."""


@pytest.fixture
def ticks(service_of: ServiceOf, tmp_path: Path) -> Tables:
    """Tables of instants: as values, as keys alone and behind another column, and as unique values."""
    at = 'Column("at", DateTime(timezone=True), {0})'
    source = HEAD + (
        f'values = Table("values_", metadata, {ID}, {at.format("nullable=True")})\n'
        f'keys = Table("keys", metadata, {at.format("primary_key=True")}, Column("size", Integer))\n'
        f'pairs = Table("pairs", metadata, Column("at_place", Integer, primary_key=True, autoincrement=False), '
        f'{at.format("primary_key=True")}, Column("size", Integer))\n'
        f'seats = Table("seats", metadata, {ID}, {at.format("unique=True")})\n'
        f'uses = Table("uses", metadata, {ID}, Column("key", ForeignKey("keys.at"), nullable=False))\n'
    ).replace('Column("key", ForeignKey', 'Column("key", DateTime(timezone=True), ForeignKey')
    return Tables(service_of(source), tmp_path)


@st.composite
def held(draw: st.DrawFn) -> Held:
    """Some different instants, each in a form of its own."""
    instants = draw(st.lists(INSTANTS, min_size=1, max_size=6, unique=True))
    return [(instant, draw(forms(instant))) for instant in instants]


def insert(tables: Tables, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Put rows into an emptied table, as another program would."""
    engine = tables.service.backend.engine
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def iso(instant: dt.datetime) -> str:
    return instant.isoformat()


@given(found=held(), later=st.integers(0, 63), odd=ODD)
@made_up(8)
def test_values_are_compared_as_instants(ticks: Tables, found: Held, later: int, odd: Any) -> None:
    insert(ticks, "values_", [*((at, text) for at, (_, text) in enumerate(found)), (99, odd)])
    ours = [instant + MICROSECOND * (later >> at & 1) for at, (instant, _) in enumerate(found)]
    different = [at for at in range(len(ours)) if later >> at & 1]
    file = "".join(f"{at},{iso(instant)}\n" for at, instant in enumerate(ours))
    receipt = ticks.put("values_.csv", file + "99,2021-05-30T05:43:46Z\n")
    assert counts(receipt) == (len(ours) + 1, 0, 0, len(ours) - len(different), len(different) + 1)
    assert [row["row_number"] - 1 for row in ticks.rejects()] == [*different, len(ours)]
    rows = [{"id": at, "at": iso(instant)} for at, instant in enumerate(ours)]
    batch = Batches(ticks).put({"values_": [*rows, {"id": 99, "at": "2021-05-30T05:43:46Z"}]})
    assert [row.index for row in batch.rejected] == [*different, len(ours)]
    with pytest.raises(ValueUnstorable, match=r"values_\.at contains"):
        list(read_rows(ticks.service.backend, ticks.service.catalog.table("values_"), None, 99))
    with pytest.raises(ValueUnstorable, match=r"values_\.at contains"):
        Restores(ticks).back_up("values_")
    ticks.execute("DELETE FROM values_ WHERE id = 99")
    page = read_rows(ticks.service.backend, ticks.service.catalog.table("values_"), None, 99)
    assert [row["at"] for row in page] == [iso(instant).replace("+00:00", "Z") for instant, _ in found]
    (changes,) = Restores(ticks).restore(Restores(ticks).back_up("values_"), dry_run=True).tables
    assert (changes.unchanged, changes.changed) == (len(found), 0)
    moved = Batches(ticks).put({"values_": rows}, on_conflict="update")
    assert moved.updated["values_"] == len(different)
    assert [row[1] for row in pages(ticks, "values_", 99)] == ours


@given(found=held(), known=st.integers(1, 63), place=st.booleans())
@made_up(8)
def test_keys_are_compared_as_instants(ticks: Tables, found: Held, known: int, place: bool) -> None:
    table, before = ("pairs", (7,)) if place else ("keys", ())
    there = [form for at, form in enumerate(found) if known >> at & 1] or found
    insert(ticks, table, [(*before, text, 1) for _, text in there])
    start = "7," if place else ""
    file = "".join(f"{start}{iso(instant)},1\n" for instant, _ in found)
    new = len(found) - len(there)
    receipt = ticks.load(ticks.write(f"{table}.csv", file), dry_run=True)
    assert counts(receipt) == (len(found), new, 0, len(there), 0)
    instants = sorted(instant for instant, _ in there)
    assert [row[-2] for row in pages(ticks, table, 2)] == instants
    restores = Restores(ticks)
    kept = restores.back_up(table)
    (changes,) = restores.restore(kept, dry_run=True).tables
    assert (changes.unchanged, changes.changed, changes.added, changes.removed) == (len(there), 0, 0, 0)
    rows = [dict(zip(("at_place", "at", "size"), (7, iso(instant), 2), strict=True)) for instant, _ in found]
    rows = rows if place else [{"at": row["at"], "size": 2} for row in rows]
    batch = Batches(ticks).put({table: rows}, on_conflict="update")
    assert (batch.inserted[table], batch.updated[table]) == (new, len(there))
    assert counts(ticks.load(ticks.write(f"{table}.csv", file), on_conflict="update"))[1:] == (0, len(found), 0, 0)
    assert ticks.count(table) == len(found)
    (changes,) = restores.restore(kept).tables
    assert (changes.unchanged, changes.removed) == (len(there), new)
    assert [row[-2] for row in pages(ticks, table, 99)] == instants


def pages(tables: Tables, table: str, size: int) -> list[list[Any]]:
    """All rows of a table, page by page; instants as such."""
    rules, after, found = tables.service.catalog.table(table), None, []
    while page := read_rows(tables.service.backend, rules, after, size):
        after = key_of(rules, page[-1])
        found += [[DATETIME.parse(v) if n == "at" and v else v for n, v in row.items()] for row in page]
    return found


@given(found=held())
@made_up(8)
def test_unique_instants_are_those_of_the_table(ticks: Tables, found: Held) -> None:
    insert(ticks, "seats", [(at, text) for at, (_, text) in enumerate(found)])
    file = "".join(f"{at + 50},{iso(instant)}\n" for at, (instant, _) in enumerate(found))
    assert counts(ticks.put("seats.csv", file + "98,\n99,\n")) == (len(found) + 2, 2, 0, 0, len(found))
    assert {error["code"] for row in ticks.rejects() for error in row["errors"]} == {"key.conflict"}


@made_up(8)
@given(found=held(), taken=st.booleans())
def test_an_update_or_restore_takes_no_unique_instant_from_another_row(ticks: Tables, found: Held, taken: bool) -> None:
    restores, batches = Restores(ticks), Batches(ticks)
    ticks.execute("DELETE FROM seats")
    ticks.put("seats.csv", file := "".join(f"{at},{iso(instant)}\n" for at, (instant, _) in enumerate(found)))
    kept = restores.back_up("seats")
    last, (_, spelled) = len(found) - 1, found[-1]
    # The instant of the last row is that of another one, which is to stay or to go.
    holder = last + 100 if taken else last
    insert(ticks, "seats", [*((at, None) for at in range(last)), (holder, spelled)])
    rows = [{"id": at, "at": iso(instant)} for at, (instant, _) in enumerate(found)]
    for _ in range(2):
        receipt = ticks.load(ticks.write("seats.csv", file), on_conflict="update")
        assert ticks.codes() == ([(last + 1, ["key.conflict"])] if taken else [])
        batch = batches.put({"seats": rows}, on_conflict="update")
        assert codes(batch) == ([("seats", last, [("at", "key.conflict")])] if taken else [])
        assert counts(receipt)[0] == len(found)
        held_now = [row[1] for row in pages(ticks, "seats", 99)]
        assert held_now == [instant for instant, _ in found], "whoever holds the last one keeps it"
    assert restores.restore(kept).failure() is None, "a row that goes away may have it"
    assert [row[1] for row in pages(ticks, "seats", 99)] == [instant for instant, _ in found]


def usual(instant: dt.datetime) -> str:
    return instant.replace(tzinfo=None).isoformat(" ", "microseconds")


@given(found=held(), year=st.integers(2020, 2023))
@made_up(8)
def test_reports_count_instants(service: Service, tmp_path: Path, found: Held, year: int) -> None:
    tables = Tables(service, tmp_path)
    if not tables.count("jobs"):
        tables.with_parents()
    edge = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    rows = [(at, "x", f"{(edge + dt.timedelta(hours=at - 3)).isoformat(' ')[:19]}-05:00", 1, 1) for at in range(6)]
    insert(tables, "hired_employees", [*rows, *((at + 10, "x", text, 1, 1) for at, (_, text) in enumerate(found))])
    instants = [edge + dt.timedelta(hours=at + 2) for at in range(6)] + [instant for instant, _ in found]
    for number in (year - 1, year):
        rows_of_report = ask(service, number)
        hired = [instant for instant in instants if instant.year == number]
        quarters = [sum((instant.month + 2) // 3 == quarter for instant in hired) for quarter in (1, 2, 3, 4)]
        assert rows_of_report == ([quarters] if hired else [])


def ask(service: Service, year: int) -> list[list[int]]:
    rows = answer(REPORTS["hires-by-quarter"], service.backend, service.catalog, Year(year)).rows
    return [list(row.values())[2:] for row in rows]


def test_a_report_names_what_is_no_instant(tables: Tables) -> None:
    tables.with_parents()
    insert(tables, "hired_employees", [(1, "x", "2021-12-31 23:30:00-05:00", 1, 1), (2, "y", 1622353426, 1, 1)])
    with pytest.raises(ValueUnstorable, match=r"hired_employees\.datetime contains '1622353426'"):
        ask(tables.service, 2021)
    tables.execute("DELETE FROM hired_employees WHERE id = 2")
    assert (ask(tables.service, 2021), ask(tables.service, 2022)) == ([], [[1, 0, 0, 0]])


@pytest.mark.parametrize("table", ["keys", "pairs"])
def test_a_key_that_is_there_in_two_forms_is_named(ticks: Tables, table: str) -> None:
    before = (7,) if table == "pairs" else ()
    usual, other, third = "2021-05-30 05:43:46.000000", "2021-05-30T05:43:46Z", "2021-05-30 07:43:46+02:00"
    for spelled in ((usual, other), (other, third)):
        insert(ticks, table, [(*before, text, 1) for text in spelled])
        with pytest.raises(KeyHeldTwice, match="2021-05-30 05:43:46"):
            Restores(ticks).back_up(table)
        ticks.fail(KeyHeldTwice, ticks.write(f"{table}.csv", ("7," if before else "") + f"{other},1\n"))
        with pytest.raises(KeyHeldTwice):
            Batches(ticks).put(
                {
                    table: [
                        dict(
                            zip(
                                ("at_place", "at")[-len(before) - 1 :],
                                (*before, other)[-len(before) - 1 :],
                                strict=True,
                            )
                        )
                    ]
                }
            )


def test_what_refers_to_a_key_that_sqlite_takes_for_another_is_refused_by_its_name(ticks: Tables) -> None:
    insert(ticks, "keys", [("2021-05-30T05:43:46Z", 1)])
    error = ticks.fail(KeySpelledOtherwise, ticks.write("uses.csv", "1,2021-05-30T05:43:46Z\n"))
    assert "keys.at contains 2021-05-30 05:43:46.000000 as 2021-05-30T05:43:46Z" in error.message
    insert(ticks, "keys", [("2021-05-30 05:43:46.000000", 1)])
    assert counts(ticks.put("uses.csv", "1,2021-05-30T05:43:46Z\n")) == (1, 1, 0, 0, 0)


UNTYPED = {
    "Integer": [("5", "5", True), ("'5'", "5", True), ("'+05'", "5", True), ("5.0", "5", True), ("'6'", "5", False)],
    "Boolean": [("'true'", "true", True), ("1", "true", True), ("'FALSE'", "true", False), ("2", "true", False)],
    "Float()": [("'1.5'", "1.5", True), ("1", "1.0", True), ("1.5", "1.25", False), ("'x'", "1", False)],
    "Numeric(12, 2)": [
        ("'1.5'", "1.50", True),
        ("1.5", "1.50", True),
        ("'1.5e0'", "1.5", True),
        ("1.51", "1.5", False),
    ],
    "String(9)": [("5", "5", True), ("'5'", "5", True), ("x'35'", "5", False), ("5.5", "5.5", True)],
    "Date": [("'2021-05-30'", "2021-05-30", True), ("'2021-05-30 00:00'", "2021-05-30", False)],
}
"""By type of the model: what a column without a type holds, a value, and whether that is the same."""


@pytest.mark.parametrize("model", UNTYPED)
def test_what_a_column_without_a_type_holds_is_compared_as_it_is_backed_up(
    service_of: ServiceOf, new_service: Callable[..., Service], tmp_path: Path, model: str
) -> None:
    source = HEAD + f'boxes = Table("boxes", metadata, {ID}, Column("size", {model}))\n'
    source += f'things = Table("things", metadata, Column("size", {model}, primary_key=True))\n'
    first = Tables(service_of(source), tmp_path)
    for name, columns in (("boxes", "id INTEGER PRIMARY KEY, size"), ("things", "size PRIMARY KEY")):
        first.execute(f"DROP TABLE {name}")
        first.execute(f"CREATE TABLE {name} ({columns})")
    boxes = Tables(new_service("own_tables", url=first.service.settings.database_url), tmp_path)
    for stored, value, same in UNTYPED[model]:
        for table in ("boxes", "things"):
            boxes.execute(f"DELETE FROM {table}")
        boxes.execute(f"INSERT INTO boxes VALUES (1, {stored})")
        boxes.execute(f"INSERT INTO things VALUES ({stored})")
        unchanged, rejected = int(same), int(not same)
        assert counts(boxes.put("boxes.csv", f"1,{value}\n")) == (1, 0, 0, unchanged, rejected), stored
        batch = Batches(boxes).put({"boxes": [{"id": 1, "size": value}]})
        assert (batch.unchanged["boxes"], len(batch.rejected)) == (unchanged, rejected), stored
        receipt = boxes.load(boxes.write("things.csv", f"{value}\n"), dry_run=True)
        assert counts(receipt) == (1, rejected, 0, unchanged, 0), stored
        batch = Batches(boxes).put({"things": [{"size": value}]})
        assert (batch.inserted["things"], batch.unchanged["things"]) == (rejected, unchanged), stored


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
@pytest.mark.parametrize("column", ["datetime", "name"])
def test_a_text_that_is_none_is_named(
    new_service: Callable[..., Service], database_url: str, tmp_path: Path, column: str, encoding: str
) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as made:
        made.executescript(f"PRAGMA encoding = '{encoding}'; VACUUM")
    tables = Tables(new_service(url=database_url), tmp_path).with_parents()
    file = "1,x,2021-01-01T00:00:00Z,1,1\n2,y,2021-01-01T00:00:00Z,1,1\n"
    tables.put("hired_employees.csv", file)
    spoiled = "3200ff" if encoding == "UTF-16le" else "32ff"
    tables.execute(f"UPDATE hired_employees SET {column} = CAST(x'{spoiled}' AS TEXT) WHERE id = 2")
    rules, named = tables.service.catalog.table("hired_employees"), rf"hired_employees\.{column} contains .*"
    if encoding == "UTF-8":  # else SQLite makes something of it
        with pytest.raises(ValueUnstorable, match=named + "xff.* in the row with id 2"):
            Restores(tables).back_up("hired_employees")
        with pytest.raises(ValueUnstorable, match=named + "xff.* in the row with id 2"):
            read_rows(tables.service.backend, rules, None, 99)
    if column == "datetime":
        with pytest.raises(ValueUnstorable, match=named):
            ask(tables.service, 2021)
    assert counts(tables.put("hired_employees.csv", file)) == (2, 0, 0, 1, 1)
    assert f"with a different {column}" in tables.rejects()[0]["errors"][0]["message"]
    row = {"id": 2, "name": "y", "datetime": "2021-01-01T00:00:00Z", "job_id": 1, "department_id": 1}
    assert Batches(tables).put({"hired_employees": [row]}, on_conflict="update").updated == {"hired_employees": 1}
    assert counts(tables.put("hired_employees.csv", file)) == (2, 0, 0, 2, 0)


def test_a_page_behind_what_is_no_key(ticks: Tables) -> None:
    with pytest.raises(KeyUnfit):
        read_rows(ticks.service.backend, ticks.service.catalog.table("keys"), ["yesterday"], 1)
