"""Other connections at work during a restore: they see the old rows or the new, and nothing of theirs is lost."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from others import WAIT, let_go_of_locks, once, somebody

from batching import Batches, employee
from databases import NewDatabase
from loading import Tables, employees
from restoring import Restores, counts, people
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseUnavailable, RestoreInterrupted
from rowferry.events import Event, PublishStarted, RestoreFinished, RestoreStarted, RowsJudged
from speaking import only_postgresql

SMALL, LARGE = 40, 12_000


@pytest.fixture
def restores(tables: Tables) -> Restores:
    tables.with_parents()
    return Restores(tables)


@pytest.mark.parametrize("old", [0, 15_000])
def test_readers_see_the_old_rows_or_the_new(restores: Restores, old: int) -> None:
    tables = restores.tables
    kept = restores.keep("hired_employees", people(1, 20_000))
    tables.put("hired_employees.csv", employees(old, first=10_001))
    ended, seen = threading.Event(), set[tuple[int, int | None]]()

    def read() -> None:
        with tables.service.backend.engine.connect() as connection:
            while not ended.is_set():
                count, first = connection.exec_driver_sql("SELECT count(*), min(id) FROM hired_employees").one()
                seen.add((count, first))
                connection.rollback()

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            receipt = restores.restore(kept)
        finally:
            ended.set()
        reader.result(WAIT)
    assert counts(receipt)[0] == 20_000 - min(old, 10_000)
    assert seen <= {(old, 10_001 if old else None), (20_000, 1)}


@pytest.mark.parametrize("rows", [SMALL, LARGE])
def test_a_table_with_rows_is_written_to_while_the_backup_is_judged(restores: Restores, rows: int) -> None:
    restores.tables.put("hired_employees.csv", employees(5))
    kept = restores.keep("hired_employees", people(1, rows))
    insert = "INSERT INTO hired_employees VALUES (-2, 'Somebody', '2021-01-01 00:00:00.000000', 1, 1)"
    with somebody(restores.tables) as execute:
        receipt = restores.restore(kept, observe=once(RowsJudged, lambda: execute(insert)))
    assert counts(receipt)[2] == 1
    assert receipt.tables[0].examples["removed"] == [{"id": -2}]
    assert restores.tables.rows("hired_employees") == people(1, rows)


@pytest.mark.parametrize("old", [0, LARGE])
def test_two_restores_at_once_queue(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path, old: int
) -> None:
    url = new_database()
    both = [Restores(Tables(new_service(url=url), tmp_path)) for _ in range(2)]
    both[0].tables.with_parents().put("hired_employees.csv", employees(old, first=5))
    kept = both[0].keep("hired_employees", people(1, LARGE))
    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(lambda restores: counts(restores.restore(kept)), both, timeout=WAIT))
    first = (4, LARGE - 4, 4, 0, 0) if old else (LARGE, 0, 0, 0, 0)
    assert sorted(receipts) == sorted([first, (0, 0, 0, LARGE, 0)])
    assert both[0].tables.rows("hired_employees") == people(1, LARGE)


def test_the_owner_restores_and_loads_the_same_rows_at_once(owned: Tables) -> None:
    owned.with_parents().put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    kept = Restores(owned).keep("hired_employees", people(1, 15_000))
    path = owned.write("hired_employees.csv", employees(15_000))
    all_read = threading.Barrier(3)

    def restore() -> int:
        wait = once(PublishStarted, lambda: all_read.wait(WAIT))
        return counts(Restores(owned).restore(kept, observe=wait))[0]

    def load() -> int:
        wait = once(PublishStarted, lambda: all_read.wait(WAIT))
        return Tables(owned.service, owned.folder).load(path, observe=wait).total("inserted")

    with ThreadPoolExecutor(3) as pool:
        ends = [pool.submit(work) for work in (restore, load, restore)]
        with let_go_of_locks(owned):
            assert sum(end.result(WAIT) for end in ends) == 15_000
    assert owned.count("hired_employees") == 15_000


@pytest.mark.parametrize("moment", [RowsJudged, PublishStarted])
@pytest.mark.parametrize("rows", [SMALL, LARGE])
@pytest.mark.parametrize("filled", [True, False])
def test_a_parent_that_is_deleted_meanwhile_leaves_no_orphan(
    restores: Restores, rows: int, moment: type[Event], *, filled: bool
) -> None:
    tables, deletions = restores.tables, list[Future[int]]()
    if filled:
        tables.put("hired_employees.csv", employees(1, departments=1))
    kept = restores.keep("hired_employees", people(1, rows, department=3))
    with somebody(tables) as execute, ThreadPoolExecutor(1) as pool:
        delete = "DELETE FROM departments WHERE id = 3"
        receipt = restores.restore(kept, observe=once(moment, lambda: deletions.append(pool.submit(execute, delete))))
        with suppress(sa.exc.DBAPIError):  # it may be refused, or lose a deadlock
            deletions[0].result(WAIT)
    gone = 3 not in [row[0] for row in tables.rows("departments")]
    assert [obstacle.kind for obstacle in receipt.obstacles] == (["parents_missing"] if gone else [])
    assert len(tables.rows("hired_employees")) == (int(filled) if gone else rows)


def test_a_parent_deleted_between_judging_and_publishing_is_missed(restores: Restores) -> None:
    kept = restores.keep("hired_employees", people(1, SMALL, department=3))
    restores.tables.put("hired_employees.csv", employees(1, departments=1))
    with somebody(restores.tables) as execute:
        act = once(PublishStarted, lambda: execute("DELETE FROM departments WHERE id = 3"))
        receipt = restores.restore(kept, observe=act)
    assert [(obstacle.kind, obstacle.rows) for obstacle in receipt.obstacles] == [("parents_missing", SMALL)]
    assert len(restores.tables.rows("hired_employees")) == 1


def test_a_child_that_comes_before_publishing_stands_in_the_way(restores: Restores) -> None:
    kept = restores.keep("departments", [(1, "Sales")])
    insert = "INSERT INTO hired_employees VALUES (7, 'New', '2021-01-01 00:00:00.000000', 3, 1)"
    with somebody(restores.tables) as execute:
        receipt = restores.restore(kept, observe=once(PublishStarted, lambda: execute(insert), "departments"))
    assert [(obstacle.kind, obstacle.examples) for obstacle in receipt.obstacles] == [("referred_to", [{"id": 3}])]
    assert restores.tables.count("departments") == 3


def test_loads_and_restores_of_parents_and_children_at_the_same_time(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    first, two, three = (Restores(Tables(new_service(url=url), tmp_path)) for _ in range(3))
    first.tables.with_parents().put("hired_employees.csv", employees(500))
    kept = [first.keep(table) for table in first.service.catalog.names]
    files = [first.tables.write(f"{number}/hired_employees.csv", employees(300, 501)) for number in range(4)]

    def restore(restores: Restores, all_of_them: bool) -> None:
        for _ in range(4):
            restores.restore(*(kept if all_of_them else kept[-1:]))

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(restore, two, True), pool.submit(restore, three, False)]
        work += [pool.submit(lambda: [first.tables.load(file) for file in files])]  # type: ignore[arg-type]
        with let_go_of_locks(first.tables):
            for each in work:
                each.result(WAIT)
    rows = first.tables.rows("hired_employees")
    assert len(rows) in (500, 800)
    assert counts(first.restore(*kept)) == (0, 0, len(rows) - 500, 506, 0)


@pytest.mark.parametrize("moment", [RestoreStarted, RowsJudged, PublishStarted])
@pytest.mark.parametrize("old", [0, 5])
def test_an_interrupted_restore_changes_nothing(restores: Restores, moment: type[Event], old: int) -> None:
    restores.tables.put("hired_employees.csv", employees(old))
    before = restores.tables.everything()
    kept = restores.keep("hired_employees", people(1, LARGE))

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(BaseException) as caught:  # KeyboardInterrupt itself would end the test session
        restores.restore(kept, observe=once(moment, interrupt))
    assert caught.type is RestoreInterrupted
    assert restores.tables.everything() == before
    newest = restores.history()[0]
    assert (newest["status"], newest["error"]["code"]) == ("interrupted", "restore.interrupted")
    assert counts(restores.restore(kept))[0] == LARGE - old


def test_an_interrupt_after_the_commit_does_not_deny_what_was_done(restores: Restores) -> None:
    kept = restores.keep("hired_employees", people(1, SMALL))

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert restores.restore(kept, observe=once(RestoreFinished, interrupt)).status == "done"
    assert restores.tables.rows("hired_employees") == people(1, SMALL)
    assert restores.history()[0]["status"] == "done"


@only_postgresql  # SQLite has no connections to cut
@pytest.mark.parametrize("moment", [RowsJudged, PublishStarted])
@pytest.mark.parametrize("old", [0, 5])
def test_a_connection_that_is_cut_changes_nothing(restores: Restores, moment: type[Event], old: int) -> None:
    tables = restores.tables
    tables.put("hired_employees.csv", employees(old))
    before = tables.everything()
    kept = restores.keep("hired_employees", people(1, LARGE))
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    with somebody(tables) as execute, pytest.raises(DatabaseUnavailable):
        restores.restore(kept, observe=once(moment, lambda: execute(cut)))
    tables.service.backend.engine.dispose()
    tables.service.start()
    assert tables.everything() == before
    assert restores.history()[0]["status"] in ("failed", "interrupted")
    assert counts(restores.restore(kept))[0] == LARGE - old


def test_batches_go_on_while_their_table_is_restored(restores: Restores) -> None:
    tables = restores.tables
    kept, batches = restores.keep("hired_employees", people(1, LARGE)), Batches(tables)
    sent: list[int] = []
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            sent.append(100_000 + len(sent))
            assert batches.put({"hired_employees": [employee(sent[-1])]}).inserted == {"hired_employees": 1}

    tables.put("hired_employees.csv", employees(100, first=5))
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(send)
        try:
            receipts = [restores.restore(kept) for _ in range(2)]
        finally:
            ended.set()
        writer.result(WAIT)
    after = {row[0] for row in tables.rows("hired_employees")}
    removed = sum(receipt.total("removed") for receipt in receipts)
    assert after >= set(range(1, LARGE + 1))
    assert len(after) - LARGE == len(sent) - removed
    assert [receipt.total("rejected") for receipt in receipts] == [0, 0]
