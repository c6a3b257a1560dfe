"""Rows that bring their numbers leave no sequence of PostgreSQL behind: the application's next INSERT succeeds."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

from batching import Batches
from loading import Tables, lines
from made_up import made_up
from owning import ServiceOf
from restoring import Restores
from rowferry.backends.postgresql.sequences import Numbers
from rowferry.backends.postgresql.table import Statements
from rowferry.dictionary.rules import rules_of
from rowferry.operations import full_bulk_insert, restore_table
from speaking import only_postgresql

pytestmark = only_postgresql

ROWS = 60

HEAD = """\
from sqlalchemy import Column, Identity, Integer, MetaData, Sequence, String, Table, UniqueConstraint
from speaking import only_postgresql
metadata = MetaData()
"""

MADE_BY = {
    "serial": "",
    "identity": "Identity(), ",
    "model": 'Sequence("ticket numbers"), ',
    "default": 'Sequence("ticket_numbers"), server_default=Sequence("ticket_numbers").next_value(), ',
    "cached": "Identity(cache=10), ",
    "twos": "Identity(start=2, increment=2), ",
    "down": "Identity(start=-1, increment=-1, minvalue=-2000000000), ",
}


@pytest.fixture
def tickets(service_of: ServiceOf, tmp_path: Any) -> Callable[[str], Tables]:
    """Tickets with a number that is made in a certain way."""

    def start(made_by: str) -> Tables:
        extra = MADE_BY[made_by].rstrip().rstrip(",")
        parts = [part for part in ('"id"', "Integer", extra, "primary_key=True") if part]
        if made_by == "default":
            parts = ['"id"', "Integer", 'Sequence("ticket_numbers")', "primary_key=True"]
            parts.append('server_default=Sequence("ticket_numbers").next_value()')
        column = f"Column({', '.join(parts)})"
        return Tables(
            service_of(f'{HEAD}tickets = Table("tickets", metadata, {column}, Column("note", String(9)))'), tmp_path
        )

    return start


def sign(made_by: str) -> int:
    return -1 if made_by == "down" else 1


def append(tables: Tables) -> int:
    """What an application does that leaves the number to its sequence; numbers drawn ahead stay in their session."""
    tables.service.backend.engine.dispose()
    table = tables.service.catalog.table("tickets").table
    with tables.service.backend.engine.begin() as connection:
        made = connection.execute(sa.insert(table).values(note="new"))
    return int(made.inserted_primary_key[0])  # type: ignore[index]


def load(tables: Tables, numbers: range) -> None:
    assert tables.put("tickets.csv", lines((n, "old") for n in numbers)).total("inserted") == len(numbers)


def send(tables: Tables, numbers: range) -> None:
    rows = [{"id": number, "note": "old"} for number in numbers]
    assert Batches(tables).put({"tickets": rows}).inserted == {"tickets": len(rows)}


def restore(tables: Tables, numbers: range) -> None:
    kept = Restores(tables).keep("tickets", [(number, "old") for number in numbers])
    Restores(tables).restore(kept)


@pytest.fixture(params=[False, True], ids=["few", "many"])
def many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes few rows for many, which have other ways into a table."""
    if request.param:
        monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 0)
        monkeypatch.setattr(restore_table, "_BULK_ROWS", 0)


@pytest.mark.parametrize("made_by", MADE_BY)
def test_the_next_number_is_behind_those_of_the_rows(
    tickets: Callable[[str], Tables], many: None, made_by: str
) -> None:
    tables, sense, first = tickets(made_by), sign(made_by), 1
    for put in (load, send, load, restore):
        put(tables, range(sense * first, sense * (first + ROWS), sense))
        made = append(tables)
        assert sense * made >= first + ROWS
        assert made % 2 == 0 or made_by != "twos"
        first += 5_000_000


def test_a_sequence_never_goes_back(tickets: Callable[[str], Tables]) -> None:
    tables = tickets("serial")
    load(tables, range(1_000, 1_010))
    assert append(tables) == 1_010
    load(tables, range(1, 10))
    send(tables, range(20, 30))
    assert append(tables) == 1_011


def test_rows_that_are_in_already_draw_no_numbers(tickets: Callable[[str], Tables]) -> None:
    tables = tickets("serial")
    load(tables, range(1, 10))
    for _ in range(3):
        assert tables.put("tickets.csv", lines((n, "old") for n in range(1, 10))).total("unchanged") == 9
        Batches(tables).put({"tickets": [{"id": 1, "note": "old"}]})
    assert append(tables) == 10


def test_a_number_beside_the_key(service_of: ServiceOf, tmp_path: Any) -> None:
    source = f'{HEAD}tickets = Table("tickets", metadata, Column("code", String(9), primary_key=True), '
    source += 'Column("id", Integer, nullable=False), UniqueConstraint("id"))'
    tables = Tables(service_of(source), tmp_path)
    tables.execute("CREATE SEQUENCE beside OWNED BY tickets.id")
    tables.execute("ALTER TABLE tickets ALTER id SET DEFAULT nextval('beside')")
    tables.put("tickets.csv", lines((f"c{number}", number) for number in range(1, 50)))
    tables.execute("INSERT INTO tickets (code) VALUES ('new')")
    assert tables.rows("tickets")[-1] == ("new", 50)


@pytest.fixture
def plain(tickets: Callable[[str], Tables]) -> Iterator[Tables]:
    """The tickets of somebody else."""
    tables = tickets("serial")
    engine = tables.service.backend.engine
    every = "SCHEMA public, rowferry TO plain"
    tables.execute(f"CREATE ROLE plain; GRANT ALL ON ALL TABLES IN {every}; GRANT USAGE ON {every}")
    become = "SET ROLE plain"

    def checkout(connection: Any, *_others: object) -> None:
        connection.execute(become)
        connection.commit()

    sa.event.listen(engine, "checkout", checkout)
    yield tables
    sa.event.remove(engine, "checkout", checkout)
    engine.dispose()
    tables.execute("DROP OWNED BY plain; DROP ROLE plain")


def as_owner(tables: Tables, statement: str) -> None:
    tables.execute(f"RESET ROLE; {statement}")


def test_without_a_right_rows_go_in_and_it_is_said_once(plain: Tables, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "rowferry"):
        load(plain, range(1, 10))
        send(plain, range(10, 20))
        receipt = plain.put("tickets.csv", "30,name\n")
        kept = Restores(plain).back_up("tickets")
        plain.execute("DELETE FROM tickets WHERE id = 30")
        changes = Restores(plain).restore(kept).tables[0]
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "The sequence tickets_id_seq of tickets.id is behind the numbers in the rows: "
        "ask its owner to run GRANT USAGE, UPDATE ON SEQUENCE tickets_id_seq TO plain"
    ]
    assert receipt.tables[0].notes == changes.notes == [f"t{told[0][1:]}"]
    assert plain.loads()[0]["tables"][0]["notes"] == receipt.tables[0].notes
    assert plain.count("tickets") == 20


def test_who_may_only_draw_numbers_draws_them(plain: Tables, caplog: pytest.LogCaptureFixture) -> None:
    as_owner(plain, "GRANT USAGE ON SEQUENCE tickets_id_seq TO plain")
    load(plain, range(50_000, 50_010))
    assert append(plain) == 50_010
    assert not caplog.records


def test_a_sequence_is_not_used_up_by_a_row_with_its_last_number(
    tickets: Callable[[str], Tables], caplog: pytest.LogCaptureFixture
) -> None:
    tables = tickets("identity")
    tables.put("tickets.csv", "2147483647,last\n")
    assert [record.name for record in caplog.records] == ["rowferry.sequences"]
    assert "a row has its last number" in caplog.text
    assert append(tables) == 1


def test_numbers_that_others_draw_meanwhile_are_never_given_out_twice(tickets: Callable[[str], Tables]) -> None:
    tables = tickets("serial")
    engine, done = tables.service.backend.engine, threading.Event()
    drawn: list[int] = []

    def draw() -> None:
        many = sa.text("SELECT nextval('tickets_id_seq') FROM generate_series(1, 50)")
        with engine.connect() as connection:
            while not done.is_set():
                drawn.extend(connection.scalars(many))
                connection.rollback()

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(40):
        send(tables, range(number * 30_000 + 1_000_000, number * 30_000 + 1_000_010))
    done.set()
    for thread in threads:
        thread.join()
    assert drawn
    assert len(set(drawn)) == len(drawn)


@made_up(25)
@given(
    start=st.integers(-200, 200),
    step=st.integers(-7, 7).filter(bool),
    drawn=st.integers(0, 3),
    numbers=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-300, 300), min_size=1, max_size=4),
)
def test_a_sequence_of_any_kind(tables: Tables, start: int, step: int, drawn: int, numbers: list[int]) -> None:
    table = sa.Table("made", sa.MetaData(), sa.Column("id", sa.BigInteger, primary_key=True))
    rules = rules_of(table)
    with tables.service.backend.engine.connect() as connection:
        make = f"CREATE SEQUENCE s START {start} INCREMENT {step} MINVALUE -5000000000 MAXVALUE 5000000000"
        connection.exec_driver_sql(make)
        connection.exec_driver_sql("CREATE TABLE made (id bigint PRIMARY KEY DEFAULT nextval('s'))")
        for _ in range(drawn):
            connection.exec_driver_sql("SELECT nextval('s')")
        found = Numbers(rules)
        found.add(pa.RecordBatch.from_pylist([{"id": number} for number in numbers], rules.schema))
        found.raise_sequences(Statements(connection))
        following = connection.exec_driver_sql("SELECT nextval('s')").scalar_one()
        connection.rollback()
    furthest = max(numbers) if step > 0 else min(numbers)
    assert (following - furthest) * step > 0
    assert (following - start) % step == 0
    assert (following - (start + drawn * step)) * step >= 0
    if drawn:
        last = start + (drawn - 1) * step
        least = max(last, furthest) if step > 0 else min(last, furthest)
        assert abs(following - least) <= 2 * abs(step)
