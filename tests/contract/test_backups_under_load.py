"""Backups that are taken while others write: each is of one moment, so that every reference in it is closed."""

import json
import threading
from pathlib import Path

from avro_rows import read_avro
from backing_up import Backups
from rowferry.backups.manifest import Manifest
from rowferry.bootstrap import Service
from rowferry.operations.batch_receipt import BatchClaim, BatchOptions, BatchReceipt
from rowferry.operations.batch_transactions import batch_transactions
from waiting import wait_until

WRITERS, BACKUPS = 4, 4


def post(service: Service, key: int) -> None:
    """A department, a job, and who was hired for them, in one batch."""
    rows = {
        "departments": [{"id": key, "department": f"Department {key}"}],
        "jobs": [{"id": key, "job": f"Job {key}"}],
        "hired_employees": [
            {"id": key * 10 + at, "name": "x", "datetime": "2021-07-01T10:00:00Z", "department_id": key, "job_id": key}
            for at in range(10)
        ],
    }
    body, claim = json.dumps(rows).encode(), BatchClaim.new("test", "test")
    receipt = batch_transactions(service.backend, service.catalog, body, BatchOptions(), lambda _: None, claim)
    assert isinstance(receipt, BatchReceipt)
    assert receipt.rejected == []


def test_every_backup_is_closed_under_references(service: Service, tmp_path: Path) -> None:
    backups, done = Backups(service, tmp_path / "backups"), threading.Event()
    failures, posted = list[BaseException](), list[int]()

    def write(writer: int) -> None:
        try:
            for number in range(10_000):
                if done.is_set():
                    return
                posted.append(writer * 10_000 + number + 1)
                post(service, posted[-1])
        except BaseException as error:  # shown below
            failures.append(error)

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    snapshots = []
    for _ in range(BACKUPS):
        snapshots.append(backups.take())
        begun = len(posted)
        # So many more cannot begin before one of them has ended: the next backup has more than this one.
        wait_until(lambda: failures or len(posted) > begun + WRITERS)  # noqa: B023
    done.set()
    for writer in writers:
        writer.join()
    assert failures == []
    sizes = [check_closed(backups, snapshot) for snapshot in snapshots]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]


def check_closed(backups: Backups, snapshot: list[Manifest]) -> int:
    """Check that all that is referred to is in the same snapshot, and each batch whole; how many employees."""
    found = {
        backup.table: read_avro(backups.path(backup), backups.service.catalog.table(backup.table), backup.seal)
        for backup in snapshot
    }
    departments, jobs = ({row["id"] for row in found[table]} for table in ("departments", "jobs"))
    employees = found["hired_employees"]
    assert {row["department_id"] for row in employees} == departments
    assert {row["job_id"] for row in employees} == jobs
    assert len(employees) == 10 * len(departments)
    return len(employees)
