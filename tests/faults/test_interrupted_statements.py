"""A signal or a cut connection at the worst moment: what was done is done and said, and nothing else is kept locked."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
import sqlalchemy as sa

from batching import Batches, department
from loading import JOBS, Tables, counts, employees
from restoring import Restores, counts as changes
from rowferry import ledger
from rowferry.errors import RestoreInterrupted
from rowferry.events import BatchFinished, Event, RowsRejected

LARGE = 15_000


def connection_cut(engine: sa.Engine) -> BaseException:
    error: BaseException = engine.dialect.loaded_dbapi.OperationalError("the connection was cut")
    return error


def interrupted(_engine: sa.Engine) -> BaseException:
    return KeyboardInterrupt()


@pytest.fixture(params=[connection_cut, interrupted])
def after_commit(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., None]:
    """Lets something come in right after the commit from which on a query finds more rows than before."""
    engine = tables.service.backend.engine
    work = {name: tables.of_ledger(name) for name in ("loads", "restores", "batches")}
    do_commit = engine.dialect.do_commit

    def found(query: str) -> int:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql(query.format(**work)).scalar_one())

    def set_up(query: str) -> None:
        before = found(query)
        raised: list[BaseException] = []

        def commit(connection: Any) -> None:
            do_commit(connection)
            if not raised and found(query) > before:
                raised.append(request.param(engine))
                raise raised[0]

        monkeypatch.setattr(engine.dialect, "do_commit", commit)

    return set_up


@pytest.mark.parametrize("rows", [40, LARGE])
@pytest.mark.parametrize("filled", [True, False])
def test_a_load_that_has_committed_is_done(
    tables: Tables, after_commit: Callable[..., None], rows: int, *, filled: bool
) -> None:
    tables.with_parents()
    if filled:
        tables.put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    after_commit("SELECT count(*) FROM {loads} WHERE status = 'done'")
    receipt = tables.put("hired_employees.csv", employees(rows) + "x\n")
    assert counts(receipt) == (rows + 1, rows, 0, 0, 1)
    assert len(tables.rows("hired_employees")) == rows + filled
    told = tables.loads()[0]
    assert (told["load_id"], told["status"], told["inserted"], told["error"]) == (receipt.load_id, "done", rows, None)
    assert len(tables.rejects()) == 1
    assert counts(tables.put("jobs.csv", JOBS)) == (3, 0, 0, 3, 0)


def test_a_restore_that_has_committed_is_done(tables: Tables, after_commit: Callable[..., None]) -> None:
    restores = Restores(tables.with_parents())
    tables.put("hired_employees.csv", employees(LARGE))
    kept, before = restores.keep("hired_employees"), tables.everything()
    tables.execute("DELETE FROM hired_employees WHERE id < 10")
    after_commit("SELECT count(*) FROM {restores} WHERE status = 'done'")
    assert changes(restores.restore(kept)) == (9, 0, 0, LARGE - 9, 0)
    assert tables.everything() == before


def interrupt() -> None:
    raise KeyboardInterrupt


def interrupt_within_a_lock() -> None:
    """Between letting go of a lock and noting that: `with` lets go of it again."""
    lock = Lock()
    with lock:
        lock.release()
        raise KeyboardInterrupt


@pytest.mark.parametrize("come", [interrupt, interrupt_within_a_lock])
def test_a_query_that_is_interrupted_lets_go_of_its_locks(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, come: Callable[[], None]
) -> None:
    restores = Restores(tables.with_parents())
    tables.put("hired_employees.csv", employees(10))
    kept = restores.keep("hired_employees")
    tables.execute("DELETE FROM hired_employees WHERE id = 1")
    dialect = tables.service.backend.engine.dialect
    do_execute = dialect.do_execute
    raised: list[str] = []

    def execute(cursor: Any, statement: str, *more: Any) -> None:
        do_execute(cursor, statement, *more)
        if statement.startswith("SELECT count") and "hired_employees" in statement and not raised:
            raised.append(statement)
            come()

    monkeypatch.setattr(dialect, "do_execute", execute)
    with pytest.raises(RestoreInterrupted):
        restores.restore(kept)
    assert raised
    assert tables.count("hired_employees") == 9
    with tables.service.backend.engine.connect() as connection:
        assert ledger.list_restores(connection, limit=1)[0]["status"] == "interrupted"


def raising_once(kind: type) -> tuple[Callable[[Event], None], list[Event]]:
    """An observer that Ctrl-C ends when it first hears of something; and what it heard of since."""
    heard: list[Event] = []
    raised: list[BaseException] = []

    def observe(event: Event) -> None:
        if isinstance(event, kind) and not raised:
            raised.append(KeyboardInterrupt())
            raise raised[0]
        heard.append(event)

    return observe, heard


@pytest.mark.parametrize("kind", [RowsRejected, BatchFinished])
def test_a_batch_is_done_before_it_is_told(tables: Tables, kind: type) -> None:
    observe, heard = raising_once(kind)
    receipt = Batches(tables, observe).put({"departments": [department(1), department(1)]})
    assert receipt.inserted == {"departments": 1}
    assert isinstance(heard[-1], BatchFinished)
    assert len(tables.rows("departments")) == 1


def test_a_batch_that_has_committed_is_done(tables: Tables, after_commit: Callable[..., None]) -> None:
    after_commit("SELECT count(*) FROM {batches}")
    receipt = Batches(tables).put({"departments": [department(1), department(1)]})
    assert receipt.inserted == {"departments": 1}
    assert [row.index for row in receipt.rejected] == [1]
    assert len(tables.rows("departments")) == 1
