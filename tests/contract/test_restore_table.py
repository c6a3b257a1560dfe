"""A restored table is what it was in the backup; what stands in the way is named, and nothing is changed then."""

import pytest
import sqlalchemy as sa

from backing_up import flip
from loading import Tables, employees
from restoring import NOON, Restores, counts, people
from rowferry import ledger
from rowferry.errors import BackupDamaged, RestoreBlocked
from rowferry.events import RestoreFinished, RestoreStarted, RowsJudged
from speaking import only_postgresql

LARGE = 12_000
"""More than what is worth the preparations for many rows."""


@pytest.fixture
def restores(tables: Tables) -> Restores:
    tables.with_parents()
    return Restores(tables)


def fill(restores: Restores, rows: int = 10) -> None:
    assert restores.tables.put("hired_employees.csv", employees(rows)).total("inserted") == rows


DAMAGE = """
DELETE FROM hired_employees WHERE id IN (2, 3);
UPDATE hired_employees SET name = 'Nobody', job_id = 2 WHERE id = 5;
INSERT INTO hired_employees VALUES (99999, 'Surplus', '2021-01-01 00:00:00.000000', 1, 1)
"""


def damage(restores: Restores) -> None:
    for statement in DAMAGE.split(";"):
        restores.tables.execute(statement)


@pytest.mark.parametrize("rows", [10, LARGE])
def test_a_damaged_table_is_what_it_was(restores: Restores, rows: int) -> None:
    fill(restores, rows)
    kept, before = restores.keep("hired_employees"), restores.tables.everything()
    damage(restores)
    rehearsed = restores.rehearse(kept)
    assert counts(rehearsed) == (2, 1, 1, rows - 3, 0)
    assert rehearsed.status == "done"
    assert rehearsed.tables[0].examples == {
        "added": [{"id": 2}, {"id": 3}],
        "changed": [{"key": {"id": 5}, "columns": ["name", "job_id"]}],
        "removed": [{"id": 99999}],
    }
    receipt = restores.restore(kept)
    assert counts(receipt) == counts(rehearsed)
    assert receipt.tables[0].examples == rehearsed.tables[0].examples
    assert restores.tables.everything() == before
    assert counts(restores.restore(kept)) == (0, 0, 0, rows, 0)


@pytest.mark.parametrize("exchanged", [False, True])
def test_a_file_that_changes_after_it_was_verified_is_refused(restores: Restores, *, exchanged: bool) -> None:
    verified = restores.back_up("jobs")
    assert verified.state
    data = verified.path.read_bytes()
    if exchanged:
        verified.path.unlink()
    verified.path.write_bytes(data)
    flip(verified.path, len(data) // 2)
    before = restores.tables.everything()
    with pytest.raises(BackupDamaged):
        restores.restore(verified)
    assert restores.tables.everything() == before
    assert not [event for event in restores.events if isinstance(event, RowsJudged)]


@pytest.mark.parametrize("rows", [10, LARGE])
def test_an_empty_table_is_what_it_was(restores: Restores, rows: int) -> None:
    fill(restores, rows)
    kept, before = restores.keep("hired_employees"), restores.tables.everything()
    restores.tables.execute("DELETE FROM hired_employees")
    assert counts(restores.rehearse(kept)) == (rows, 0, 0, 0, 0)
    receipt = restores.restore(kept)
    assert counts(receipt) == (rows, 0, 0, 0, 0)
    assert receipt.tables[0].examples["added"] == [{"id": number} for number in range(1, 6)]
    assert restores.tables.everything() == before


def test_everything_of_an_empty_database_is_restored_at_once(restores: Restores) -> None:
    fill(restores, LARGE)
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    before = restores.tables.everything()
    for table in ("hired_employees", "departments", "jobs"):
        restores.tables.execute(f"DELETE FROM {table}")
    assert counts(restores.restore(*kept)) == (LARGE + 6, 0, 0, 0, 0)
    assert restores.tables.everything() == before


def test_a_backup_without_rows_empties_the_table(restores: Restores) -> None:
    kept = restores.keep("hired_employees")
    fill(restores)
    assert counts(restores.restore(kept)) == (0, 0, 10, 0, 0)
    assert restores.tables.rows("hired_employees") == []
    assert counts(restores.restore(kept)) == (0, 0, 0, 0, 0)


def test_keys_far_from_those_of_the_table(restores: Restores) -> None:
    fill(restores)
    assert counts(restores.restore(restores.keep("hired_employees", people(1_000, 3)))) == (3, 0, 10, 0, 0)
    assert restores.tables.rows("hired_employees") == people(1_000, 3)


@pytest.mark.parametrize("children", [1, LARGE])
def test_rows_that_others_refer_to_are_not_removed(restores: Restores, children: int) -> None:
    kept = restores.keep("departments")
    restores.tables.execute("INSERT INTO departments VALUES (7, 'New'), (8, 'Lonely')")
    restores.tables.put("hired_employees.csv", employees(children).replace(",1,", ",7,").replace(",2,", ",7,"))
    children = restores.tables.count("hired_employees WHERE department_id = 7")
    before = restores.tables.everything()
    for receipt in (restores.rehearse(kept), restores.restore(kept), restores.restore(kept, partial=True)):
        assert receipt.status == "refused"
        (obstacle,) = receipt.obstacles
        assert (obstacle.kind, obstacle.table, obstacle.rows) == ("referred_to", "departments", children)
        assert obstacle.examples == [{"id": 7}]
        assert "hired_employees" in obstacle.message
        assert "--with-parents" in obstacle.hint
        assert isinstance(receipt.failure(), RestoreBlocked)
    assert restores.tables.everything() == before
    restores.tables.execute("DELETE FROM hired_employees WHERE department_id = 7")
    assert counts(restores.restore(kept)) == (0, 0, 2, 3, 0)


def test_many_rows_that_nobody_refers_to_are_removed(restores: Restores) -> None:
    kept = restores.keep("departments")
    fill(restores, 100)
    many = "".join(f"{number},Department {number}\n" for number in range(100, 100 + LARGE))
    restores.tables.put("departments.csv", many)
    assert counts(restores.restore(kept)) == (0, 0, LARGE, 3, 0)
    assert restores.tables.count("hired_employees") == 100


def test_missing_parents_are_named_and_restored_if_asked_for(restores: Restores) -> None:
    fill(restores)
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    assert [source.rules.name for source in kept][-1] == "hired_employees"
    before = restores.tables.everything()
    restores.tables.execute("DELETE FROM hired_employees")
    restores.tables.execute("DELETE FROM departments WHERE id = 2")
    restores.tables.execute("INSERT INTO departments VALUES (9, 'Surplus')")
    receipt = restores.restore(kept[-1])
    (obstacle,) = receipt.obstacles
    assert (obstacle.kind, obstacle.rows, len(obstacle.examples)) == ("parents_missing", 4, 4)
    assert "--with-parents" in obstacle.hint
    assert obstacle.examples[0]["errors"][0]["message"] == "department_id 2 is not in departments"
    assert restores.tables.rows("hired_employees") == []
    assert counts(restores.restore(*kept)) == (11, 0, 1, 5, 0)
    assert restores.tables.everything() == before


def test_children_move_from_parents_that_go_to_parents_that_come(restores: Restores) -> None:
    fill(restores)
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    before = restores.tables.everything()
    restores.tables.execute("INSERT INTO departments VALUES (9, 'Surplus')")
    restores.tables.execute("UPDATE hired_employees SET department_id = 9")
    restores.tables.execute("DELETE FROM departments WHERE id = 2")
    assert counts(restores.restore(*kept)) == (1, 10, 1, 5, 0)
    assert restores.tables.everything() == before


def test_rows_that_break_a_rule_of_today_are_named_or_left_out(restores: Restores) -> None:
    fill(restores, 2)
    rows = [*people(1, 3), (3, "Again", NOON, 1, 1), (4, "x" * 256, NOON, 1, 1), (5, "Orphan", NOON, 77, 1)]
    kept = restores.keep("hired_employees", rows)
    before = restores.tables.everything()
    receipt = restores.restore(kept)
    assert [(obstacle.kind, obstacle.rows) for obstacle in receipt.obstacles] == [
        ("parents_missing", 1),
        ("rules_broken", 2),
    ]
    assert [row["row_number"] for row in receipt.obstacles[1].examples] == [4, 5]
    assert "--partial" in receipt.obstacles[1].hint
    assert restores.tables.everything() == before
    assert restores.tables.codes(receipt.restore_id) == [
        (4, ["key.duplicate"]),
        (5, ["value.length"]),
        (6, ["reference.missing"]),
    ]
    rehearsed = restores.rehearse(kept, partial=True)
    done = restores.restore(kept, partial=True)
    assert counts(done) == counts(rehearsed) == (1, 2, 0, 0, 3)
    assert done.tables[0].rejected_by_code == {"key.duplicate": 1, "reference.missing": 1, "value.length": 1}
    assert restores.tables.rows("hired_employees") == people(1, 3)
    assert restores.tables.codes(done.restore_id) == restores.tables.codes(receipt.restore_id)
    assert '"Orphan"' in restores.tables.rejects(done.restore_id)[2]["raw"]


def test_what_was_done_is_in_the_ledger(restores: Restores) -> None:
    fill(restores)
    kept = restores.keep("hired_employees")
    damage(restores)
    receipt = restores.restore(kept)
    (found,) = restores.history()
    assert found["restore_id"] == receipt.restore_id
    assert [found[name] for name in ("status", "table", "caller")] == ["done", "hired_employees", "test"]
    assert tuple(found[count] for count in ledger.RESTORE_COUNTS) == counts(receipt)
    assert found["tables"][0]["backup_id"] == "kept"
    assert found["finished_at"] >= found["started_at"]
    started, finished = restores.events[0], restores.events[-1]
    assert isinstance(started, RestoreStarted)
    assert isinstance(finished, RestoreFinished)
    assert (finished.status, finished.added, finished.removed) == ("done", 2, 1)


@only_postgresql
def test_rows_that_are_equal_are_not_touched(restores: Restores) -> None:
    fill(restores)
    kept = restores.keep("hired_employees")
    damage(restores)
    where = sa.text("SELECT id, xmin::text FROM hired_employees WHERE id NOT IN (2, 3, 5, 99999) ORDER BY 1")
    with restores.service.backend.engine.connect() as connection:
        before = connection.execute(where).all()
    restores.restore(kept)
    with restores.service.backend.engine.connect() as connection:
        assert connection.execute(where).all() == before
