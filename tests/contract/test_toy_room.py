"""A database without any fast path is served all the same; `make test-toy` runs the whole suite of contracts on it."""

from pathlib import Path

import pytest

import toy_room.database
from batching import Batches, job
from loading import Tables, employees
from restoring import Restores, counts

pytestmark = pytest.mark.parametrize("new_database", ["toy"], indirect=True)


def test_rows_are_loaded_fed_backed_up_and_restored(tables: Tables, globant: Path) -> None:
    assert isinstance(tables.service.backend, toy_room.database.ToyBackend)
    assert tables.load(globant).total("inserted") == 2_124
    assert tables.load(globant).total("unchanged") == 2_124
    receipt = Batches(tables).put({"jobs": [job(1_000), job(1, "Renamed")]}, on_conflict="update")
    assert (receipt.inserted, receipt.updated) == ({"jobs": 1}, {"jobs": 1})
    before, restores = tables.rows("jobs"), Restores(tables)
    kept = restores.back_up("jobs")
    tables.execute("UPDATE jobs SET job = 'Spoilt' WHERE id < 10 AND id > 2")
    tables.execute("INSERT INTO jobs VALUES (2000, 'Surplus')")
    assert counts(restores.restore(kept)) == (0, 7, 1, 177, 0)
    assert tables.rows("jobs") == before


def test_many_rows_that_are_known(tables: Tables) -> None:
    tables.with_parents()
    rows = employees(12_000)
    assert tables.put("hired_employees.csv", rows).total("inserted") == 12_000
    changed = rows.replace(",1,", ",2,")
    receipt = tables.put("hired_employees.csv", changed, on_conflict="update")
    assert receipt.total("updated") + receipt.total("unchanged") == 12_000
    assert receipt.total("updated") > 0


def test_nothing_is_left_in_the_connection(tables: Tables) -> None:
    tables.put("jobs.csv", "1,Clerk\n")
    with tables.service.backend.engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM sqlite_temp_master").scalar()
    assert left == 0
