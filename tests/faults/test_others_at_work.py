"""Other connections at work during a load: no orphan, no duplicate, nobody waits for longer than needed."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from others import WAIT, let_go_of_locks, once, somebody

from batching import Batches, codes
from databases import NewDatabase
from loading import DEPARTMENTS, Tables, counts, employees
from owning import HEAD, ServiceOf
from restoring import Restores, people
from rowferry import ledger
from rowferry.backends.sqlite import beyond, writer
from rowferry.bootstrap import Service
from rowferry.errors import LoadInterrupted, RejectsExceeded
from rowferry.events import Event, LoadFinished, LoadStarted, PublishStarted, RowsJudged
from rowferry.operations.batch_receipt import BatchReceipt
from speaking import only_sqlite

SMALL, LARGE = 40, 15_000
"""Rows of a file, below and above what is worth the preparations for many rows."""

PORTS = HEAD + (
    'ports = Table("ports", metadata, Column("id", Integer, primary_key=True), '
    'Column("name", String(9), nullable=False, unique=True))\n'
)


@pytest.fixture
def ports(service_of: ServiceOf, tmp_path: Path) -> Tables:
    """A table in which names are unique."""
    return Tables(service_of(PORTS), tmp_path)


@pytest.mark.parametrize("rows", [SMALL, LARGE])
@pytest.mark.parametrize("moment", [RowsJudged, PublishStarted])
@pytest.mark.parametrize("filled", [True, False])
def test_a_parent_that_is_deleted_meanwhile_leaves_no_orphan(
    tables: Tables, rows: int, moment: type[Event], *, filled: bool
) -> None:
    tables.with_parents()
    if filled:
        tables.put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    deletions: list[Future[int]] = []
    path = tables.write("hired_employees.csv", employees(rows))
    with somebody(tables) as execute, ThreadPoolExecutor(1) as pool:
        delete = "DELETE FROM departments WHERE id = 3"
        receipt = tables.load(path, observe=once(moment, lambda: deletions.append(pool.submit(execute, delete))))
        with suppress(sa.exc.DBAPIError):  # it may be refused, or lose a deadlock
            deletions[0].result(WAIT)
    children = [row for row in tables.rows("hired_employees") if row[3] == 3]
    parents = [row[0] for row in tables.rows("departments")]
    assert (3 in parents) or not children
    assert counts(receipt)[0] == rows == counts(receipt)[1] + counts(receipt)[4]
    if 3 not in parents:
        assert receipt.tables[0].rejected_by_code == {"reference.missing": rows // 3}


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_a_parent_deleted_between_judging_and_publishing_is_missed(tables: Tables, rows: int) -> None:
    tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    with somebody(tables) as execute:
        act = once(PublishStarted, lambda: execute("DELETE FROM departments WHERE id = 3"))
        receipt = tables.load(tables.write("hired_employees.csv", employees(rows)), observe=act)
    assert receipt.tables[0].rejected_by_code == {"reference.missing": rows // 3}
    assert counts(receipt)[1] == rows - rows // 3
    faults = [error for row in tables.rejects() for error in row["errors"]]
    assert {(fault["column"], fault["code"]) for fault in faults} == {("department_id", "reference.missing")}


@pytest.fixture
def writes_between(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever rows go in, somebody tries to write between a first look at the database and that."""
    path, look = str(tables.service.settings.url.database), beyond.or_abort

    def look_and_be_late(driver: sqlite3.Connection, table: str) -> str:
        found = look(driver, table)
        with closing(sqlite3.connect(path, timeout=0)) as other, suppress(sqlite3.OperationalError), other:
            other.execute("UPDATE jobs SET job = job || '!'")
        return found

    monkeypatch.setattr(writer, "or_abort", look_and_be_late)


@only_sqlite
@pytest.mark.usefixtures("writes_between")
def test_what_was_rejected_is_kept_while_others_write(tables: Tables) -> None:
    tables.with_parents()
    tables.fail(RejectsExceeded, tables.write("hired_employees.csv", employees(9, departments=9)), max_rejects="1")
    assert tables.loads()[0]["status"] == "failed"
    assert len(tables.codes()) == 6
    restores = Restores(tables)
    receipt = restores.restore(restores.keep("hired_employees", people(1, 5, department=9)))
    assert receipt.status == restores.history()[0]["status"] == "refused"
    assert len(tables.rejects(receipt.restore_id)) == 5


@pytest.mark.parametrize("rows", [SMALL, 60_000])
@pytest.mark.parametrize("filled", [True, False])
def test_two_loads_of_the_same_file_at_once(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path, rows: int, *, filled: bool
) -> None:
    url = new_database()
    both = [Tables(new_service(url=url), tmp_path) for _ in range(2)]
    both[0].with_parents()
    if filled:
        both[0].put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    path = both[0].write("hired_employees.csv", employees(rows) + "x\n")
    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(lambda tables: counts(tables.load(path)), both, timeout=WAIT))
    assert sorted(receipts) == [(rows + 1, 0, 0, rows, 1), (rows + 1, rows, 0, 0, 1)]
    assert len(both[0].rows("hired_employees")) == rows + filled


@pytest.mark.parametrize("with_parents", [True, False])
def test_the_owner_loads_the_same_rows_several_times_at_once(owned: Tables, *, with_parents: bool) -> None:
    owned.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    children = owned.write("hired_employees.csv", employees(LARGE))
    parents = [owned.write("departments.csv", DEPARTMENTS + "4,New\n")] if with_parents else []
    all_read = threading.Barrier(3)

    def load(*paths: Path) -> tuple[int, int]:
        tables = Tables(owned.service, owned.folder)
        wait = once(PublishStarted, lambda: all_read.wait(WAIT), "departments" if len(paths) > 1 else "hired_employees")
        published: list[Event] = []

        def observe(event: Event) -> None:
            published.extend([event] if isinstance(event, PublishStarted) else [])
            wait(event)

        # A load that has a limit of rejected rows puts none in before all are read.
        receipt = tables.load(*paths, observe=observe, max_rejects="50%")
        return receipt.total("inserted"), len(published)

    with ThreadPoolExecutor(3) as pool:
        loads = [pool.submit(load, children), pool.submit(load, *parents, children), pool.submit(load, children)]
        with let_go_of_locks(owned):
            ended = [load.result(WAIT) for load in loads]
    assert sum(inserted for inserted, _ in ended) == LARGE + with_parents
    assert sum(published for _, published in ended) == 3 + with_parents, "none was tried again"
    assert owned.count("hired_employees") == LARGE + 1


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("filled", [True, False])
def test_the_owner_starts_loads_of_the_same_rows_at_once(owned: Tables, *, exclusive: bool, filled: bool) -> None:
    owned.with_parents()
    if filled:
        owned.put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    parents = owned.write("departments.csv", DEPARTMENTS + "4,New\n")
    children = owned.write("hired_employees.csv", employees(LARGE, departments=4))

    def load(*paths: Path) -> int:
        return Tables(owned.service, owned.folder).load(*paths, exclusive=exclusive).total("inserted")

    with ThreadPoolExecutor(3) as pool:
        loads = [pool.submit(load, parents, children) for _ in range(3)]
        with let_go_of_locks(owned):
            assert sum(load.result(WAIT) for load in loads) == LARGE + 1
    assert owned.count("hired_employees") == LARGE + filled


def test_a_key_that_somebody_takes_meanwhile(tables: Tables) -> None:
    rows = 100_000
    tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    insert = f"INSERT INTO hired_employees VALUES ({rows}, 'Taken', '2021-01-01 00:00:00.000000', 1, 1)"
    with somebody(tables) as execute:
        act = once(RowsJudged, lambda: execute(insert))
        receipt = tables.load(tables.write("hired_employees.csv", employees(rows)), observe=act)
    assert counts(receipt) == (rows, rows - 1, 0, 0, 1)
    assert receipt.tables[0].rejected_by_code == {"key.conflict": 1}


@pytest.mark.parametrize("filled", [True, False])
def test_readers_see_all_of_it_or_nothing(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path, *, filled: bool
) -> None:
    url = new_database()
    tables = Tables(new_service(url=url), tmp_path)
    if filled:
        tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    files = [
        tables.write("departments.csv", DEPARTMENTS),
        tables.write("jobs.csv", "1,Clerk\n2,Lawyer\n3,Manager\n4,New\n"),
        tables.write("hired_employees.csv", employees(60_000)),
    ]
    ended = threading.Event()
    seen: set[tuple[int, int]] = set()
    query = "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM hired_employees)"

    def read() -> None:
        with tables.service.backend.engine.connect() as connection:
            while not ended.is_set():
                jobs, hired = connection.exec_driver_sql(query).one()
                seen.add((jobs, hired))
                connection.rollback()

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            tables.load(*files)
        finally:
            ended.set()
        reader.result(WAIT)
    assert seen <= {(3, 1), (4, 60_001)} if filled else {(0, 0), (4, 60_000)}


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_a_table_with_rows_is_written_to_while_a_file_is_read(tables: Tables, rows: int) -> None:
    tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    insert = "INSERT INTO hired_employees VALUES (-2, 'Somebody', '2021-01-01 00:00:00.000000', 1, 1)"
    with somebody(tables) as execute:
        act = once(RowsJudged, lambda: execute(insert))
        receipt = tables.load(tables.write("hired_employees.csv", employees(rows)), observe=act)
    assert counts(receipt) == (rows, rows, 0, 0, 0)
    assert len(tables.rows("hired_employees")) == rows + 2


@pytest.mark.parametrize("same", [True, False])
def test_a_key_that_is_taken_while_the_file_is_read(tables: Tables, *, same: bool) -> None:
    tables.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    name = "Name 7" if same else "Other"
    insert = f"INSERT INTO hired_employees VALUES (7, '{name}', '2021-07-01 10:00:00.000000', 2, 2)"
    with somebody(tables) as execute:
        receipt = tables.load(
            tables.write("hired_employees.csv", employees(SMALL)), observe=once(RowsJudged, lambda: execute(insert))
        )
    assert counts(receipt) == (SMALL, SMALL - 1, 0, int(same), int(not same))


def test_a_large_file_of_parents_beside_a_reference_that_leads_nowhere(tables: Tables) -> None:
    parents = "".join(f"{number},Department with a long name {number}\n" for number in range(1, 20_001))
    assert len(parents) > 600_000
    files = [
        tables.write("departments.csv", parents),
        tables.write("jobs.csv", "1,Clerk\n2,Lawyer\n3,Manager\n"),
        tables.write("hired_employees.csv", employees(5) + "6,Nobody,2021-01-01 00:00,30000,1\n"),
    ]
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(tables.load, *files)
        with let_go_of_locks(tables):
            receipt = load.result(WAIT / 3)
    assert receipt.tables[2].rejected_by_code == {"reference.missing": 1}


@pytest.mark.parametrize("moment", [LoadStarted, RowsJudged, PublishStarted])
@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_an_interrupted_load_changes_nothing(tables: Tables, moment: type[Event], rows: int) -> None:
    tables.with_parents()

    def interrupt() -> None:
        raise KeyboardInterrupt

    path = tables.write("hired_employees.csv", employees(rows))
    with pytest.raises(BaseException) as caught:  # KeyboardInterrupt itself would end the test session
        tables.load(path, observe=once(moment, interrupt))
    assert caught.type is LoadInterrupted
    assert tables.rows("hired_employees") == []
    assert tables.loads()[0]["status"] == "interrupted"
    assert tables.loads()[0]["error"]["code"] == "load.interrupted"
    assert counts(tables.load(path)) == (rows, rows, 0, 0, 0)


@pytest.mark.parametrize("text", ["1,Clerk\n2\n", "1,Clerk\n"])
def test_an_interrupt_after_the_commit_does_not_deny_what_was_done(tables: Tables, text: str) -> None:
    told: list[type[Event]] = []

    def interrupt() -> None:
        told.append(LoadFinished)
        raise KeyboardInterrupt

    receipt = tables.load(tables.write("jobs.csv", text), observe=once(LoadFinished, interrupt, "jobs"))
    assert told
    assert (receipt.status, receipt.total("inserted")) == ("done", 1)
    assert tables.rows("jobs") == [(1, "Clerk")]
    load = tables.loads()[0]
    assert (load["status"], load["inserted"], load["error"]) == ("done", 1, None)
    with tables.service.backend.engine.connect() as connection:
        assert len(list(ledger.find_rejects(connection, load["load_id"]))) == load["rejected"]


def test_a_unique_value_that_somebody_takes_meanwhile(ports: Tables) -> None:
    with somebody(ports) as execute:
        act = once(PublishStarted, lambda: execute("INSERT INTO ports VALUES (9, 'Bari')"), "ports")
        receipt = ports.load(ports.write("ports.csv", "1,Aden\n2,Bari\n3,Cork\n"), observe=act)
    assert counts(receipt) == (3, 2, 0, 0, 1)
    assert [(row["row_number"], row["errors"][0]["code"]) for row in ports.rejects()] == [(2, "key.conflict")]
    assert ports.rows("ports") == [(1, "Aden"), (3, "Cork"), (9, "Bari")]


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_batches_that_take_the_same_unique_values(ports: Tables) -> None:
    def send(first: int) -> BatchReceipt:
        rows = [{"id": 1_000 * first + at, "name": f"Port {at}"} for at in range(100)]
        return Batches(Tables(ports.service, ports.folder)).put({"ports": rows})

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(send, range(8), timeout=WAIT))
    assert sum(receipt.inserted["ports"] for receipt in receipts) == ports.count("ports") == 100
    assert {fault for receipt in receipts for _, _, faults in codes(receipt) for fault in faults} == {
        ("name", "key.conflict")
    }
