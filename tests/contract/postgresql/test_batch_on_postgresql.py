"""Batches meet what only PostgreSQL has: triggers, constraints of others, deadlocks."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from batching import Batches, codes, company, employee, job
from loading import Tables
from rowferry.operations import batch_transactions as operation
from rowferry.operations.batch_receipt import BatchReceipt, Reply
from speaking import only_postgresql
from waiting import wait_until

pytestmark = only_postgresql

MANY = 150
"""So many rows that triggers of foreign keys are spared where they may be."""


@pytest.fixture
def batches(tables: Tables) -> Batches:
    return Batches(tables)


def test_triggers_of_others_fire(batches: Batches) -> None:
    tables = batches.tables
    tables.execute("CREATE TABLE seen (id integer)")
    tables.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO seen VALUES (NEW.id); RETURN NEW; END $$"
    )
    tables.execute("CREATE TRIGGER note AFTER INSERT ON hired_employees FOR EACH ROW EXECUTE FUNCTION note()")
    batches.put(company(employee(number) for number in range(MANY)))
    with tables.service.backend.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM seen").scalar() == MANY


def test_references_that_only_the_database_knows_are_checked(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_PATIENCE_SECONDS", 0.0)
    batches.tables.execute("CREATE TABLE badges (id integer PRIMARY KEY)")
    batches.tables.execute("ALTER TABLE hired_employees ADD FOREIGN KEY (id) REFERENCES badges")
    receipt = batches.put(company(employee(number) for number in range(MANY)))
    assert {error["code"] for row in receipt.rejected for error in row.errors} == {"database.hired_employees_id_fkey"}
    assert len(receipt.rejected) == MANY
    assert batches.tables.rows("hired_employees") == []


def test_a_deadlock_is_tried_again(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = batches.tables.service.backend.engine
    insert = sa.text("INSERT INTO jobs VALUES (:id, 'Clerk')")
    attempts: list[int] = []
    run = operation._Batch.run

    def counted(batch: Any) -> BatchReceipt | Reply:
        attempts.append(1)
        return run(batch)

    monkeypatch.setattr(operation._Batch, "run", counted)
    with ThreadPoolExecutor(1) as pool, engine.connect() as other:
        other.execute(insert, {"id": 2})
        posted = pool.submit(batches.put, {"jobs": [job(1), job(2)]})
        # What the server tells of its sessions stays as it was first told, until a transaction ends or asks anew.
        anew = sa.text("SELECT pg_stat_clear_snapshot()")
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        wait_until(lambda: other.execute(anew) and other.execute(waiting).scalar())
        # The batch has put in job 1 and waits for job 2; whoever has waited for longer is the one that must give way.
        other.execute(insert, {"id": 1})
        other.commit()
        receipt = posted.result(30)
    assert len(attempts) > 1
    assert (codes(receipt), receipt.inserted, receipt.unchanged) == ([], {"jobs": 0}, {"jobs": 2})
    assert batches.tables.rows("jobs") == [(1, "Clerk"), (2, "Clerk")]
