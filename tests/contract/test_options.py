"""What the options of a load do: conflicts, limits, dry runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loading import Tables, counts, employees
from rowferry.bootstrap import Service
from rowferry.errors import OptionInvalid, RejectsExceeded

TABLE_ROWS = "1,Clerk\n2,Lawyer\n3,Manager\n"
FILE = "1,Clerk\n2,Advocate\n4,Cook\n3,Boss\n"

DIRTY = "4,Cook\n5\n6,Smith\n6,Again\n1,Other\n"
"""Five rows: two good ones, two faulty ones, and one that conflicts with TABLE_ROWS."""


@pytest.fixture
def jobs(tables: Tables) -> Tables:
    tables.put("jobs.csv", TABLE_ROWS)
    return tables


def test_a_conflict_is_rejected(jobs: Tables) -> None:
    receipt = jobs.put("jobs.csv", FILE)
    assert counts(receipt) == (4, 1, 0, 1, 2)
    assert receipt.tables[0].rejected_by_code == {"key.conflict": 2}
    assert jobs.rows("jobs") == [(1, "Clerk"), (2, "Lawyer"), (3, "Manager"), (4, "Cook")]
    assert [(row["row_number"], row["raw"]) for row in jobs.rejects()] == [(2, "2,Advocate"), (4, "3,Boss")]
    for row in jobs.rejects():
        (error,) = row["errors"]
        assert (error["column"], error["code"]) == ("id", "key.conflict")
        assert "job" in error["message"]


def test_a_conflict_is_skipped(jobs: Tables) -> None:
    assert counts(jobs.put("jobs.csv", FILE, on_conflict="skip")) == (4, 1, 0, 3, 0)
    assert jobs.rows("jobs") == [(1, "Clerk"), (2, "Lawyer"), (3, "Manager"), (4, "Cook")]


def test_a_conflict_updates(jobs: Tables) -> None:
    assert counts(jobs.put("jobs.csv", FILE, on_conflict="update")) == (4, 1, 2, 1, 0)
    assert jobs.rows("jobs") == [(1, "Clerk"), (2, "Advocate"), (3, "Boss"), (4, "Cook")]
    assert counts(jobs.put("jobs.csv", FILE, on_conflict="update")) == (4, 0, 0, 4, 0)


def test_a_parent_that_is_updated_keeps_its_children(tables: Tables) -> None:
    tables.with_parents().put("hired_employees.csv", employees(5))
    assert counts(tables.put("departments.csv", "1,Sold\n2,Legal\n", on_conflict="update")) == (2, 0, 1, 1, 0)
    assert len(tables.rows("hired_employees")) == 5


@pytest.mark.parametrize("on_conflict", ["reject", "skip", "update"])
def test_many_conflicts_at_once(tables: Tables, on_conflict: str) -> None:
    tables.with_parents().put("hired_employees.csv", employees(30_000))
    changed = employees(40_000, first=15_001).replace("Name 2", "Named 2")
    number = sum("Named 2" in line for line in changed.splitlines()[:15_000])
    assert 5_000 < number < 15_000
    receipt = tables.put("hired_employees.csv", changed, on_conflict=on_conflict)
    assert (
        counts(receipt)
        == {
            "reject": (40_000, 25_000, 0, 15_000 - number, number),
            "skip": (40_000, 25_000, 0, 15_000, 0),
            "update": (40_000, 25_000, number, 15_000 - number, 0),
        }[on_conflict]
    )
    rows = {row[0]: row[1] for row in tables.rows("hired_employees")}
    assert len(rows) == 55_000
    assert rows[20_000] == ("Named 20000" if on_conflict == "update" else "Name 20000")
    assert rows[30_001] == "Name 30001"


def test_duplicates_are_told_from_conflicts(jobs: Tables) -> None:
    jobs.put("jobs.csv", "2,Advocate\n2,Advocate\n2,Lawyer\n4\n4,Cook\n4,Cook\n")
    assert jobs.codes() == [
        (1, ["key.conflict"]),
        (2, ["key.duplicate"]),
        (3, ["key.duplicate"]),
        (4, ["row.too_few_fields"]),
        (6, ["key.duplicate"]),
    ]
    assert jobs.rejects()[4]["errors"][0]["message"] == "id 4 was taken by row 5"


@pytest.mark.parametrize("limit", [{"max_rejects": "2"}, {"max_rejects": "49%"}, {"all_or_nothing": True}], ids=str)
def test_on_breach_of_a_limit_nothing_is_inserted_and_rejects_are_kept(jobs: Tables, limit: dict[str, object]) -> None:
    departments = jobs.write("departments.csv", "1,Sales\n")
    error = jobs.fail(RejectsExceeded, departments, jobs.write("jobs.csv", DIRTY), **limit)
    kept = jobs.codes()
    assert kept[:2] == [(2, ["row.too_few_fields"]), (4, ["key.duplicate"])]
    if "max_rejects" in limit:  # the conflict is found last, so it is known only where no other fault was too many
        assert kept[2:] == [(5, ["key.conflict"])]
    assert str(len(kept)) in error.message
    assert jobs.loads()[0]["load_id"] in error.advice
    assert jobs.loads()[0]["status"] == "failed"
    assert (jobs.loads()[0]["inserted"], jobs.loads()[0]["rejected"]) == (0, len(kept))


@pytest.mark.parametrize("limit", [{"max_rejects": "3"}, {"max_rejects": "60%"}, {"max_rejects": "100%"}], ids=str)
def test_within_a_limit_a_load_is_done(jobs: Tables, limit: dict[str, object]) -> None:
    assert counts(jobs.put("jobs.csv", DIRTY, **limit)) == (5, 2, 0, 0, 3)


def test_all_or_nothing_takes_a_clean_file(jobs: Tables) -> None:
    assert counts(jobs.put("jobs.csv", "1,Clerk\n4,Cook\n", all_or_nothing=True)) == (2, 1, 0, 1, 0)


def test_a_limit_holds_for_all_files_together(tables: Tables) -> None:
    paths = [tables.write("departments.csv", "1,a\n2\n"), tables.write("jobs.csv", "1,a\n2\n")]
    tables.fail(RejectsExceeded, *paths, max_rejects="1")
    assert [row["table"] for row in tables.rejects()] == ["departments", "jobs"]
    assert [row["reject_id"] for row in tables.rejects()] == [1, 2]
    assert counts(tables.load(*paths, max_rejects="2")) == (4, 2, 0, 0, 2)


def test_a_limit_that_is_none_is_refused_before_anything_happens(tables: Tables) -> None:
    tables.fail(OptionInvalid, tables.write("jobs.csv", "1,a\n"), max_rejects="some")
    assert tables.loads() == []


def folder_of(tables: Tables) -> Path:
    tables.write("departments.csv", "1,Sales\n4,New\n2,Other\n5\n", "in")
    tables.write("jobs.csv", "name\n1,Clerk\n7,Cook\n7,Smith\n", "in")
    tables.write("hired_employees.csv", employees(30, departments=5) + "1,x,y,4,7\n", "in")
    return tables.folder / "in"


@pytest.mark.parametrize("on_conflict", ["reject", "skip", "update"])
@pytest.mark.parametrize("filled", [True, False])
def test_a_dry_run_tells_what_the_load_would_do_and_writes_nothing(
    tables: Tables, on_conflict: str, *, filled: bool
) -> None:
    if filled:
        tables.with_parents().put("hired_employees.csv", employees(7).replace("Name 3", "Named"))
    before, loads = tables.everything(), tables.loads()
    files = sorted(tables.folder.iterdir())
    trial = tables.load(folder_of(tables), on_conflict=on_conflict, dry_run=True)
    assert (trial.dry_run, trial.status) == (True, "done")
    assert tables.everything() == before
    assert tables.loads() == loads
    assert sorted(path for path in tables.folder.iterdir() if path.name != "in") == files
    real = tables.load(folder_of(tables), on_conflict=on_conflict)
    assert _told(trial.as_dict()) == _told(real.as_dict())
    assert counts(real)[1] > 0


def test_a_dry_run_of_two_files_of_one_table(tables: Tables) -> None:
    paths = [
        tables.write("jobs.csv", "1,Clerk\n2,Lawyer\n", "first"),
        tables.write("jobs.csv", "2,Lawyer\n1,Other\n3,Cook\n", "second"),
    ]
    trial = tables.load(*paths, dry_run=True)
    assert tables.rows("jobs") == []
    assert _told(trial.as_dict()) == _told(tables.load(*paths).as_dict())


def test_a_dry_run_of_a_large_file_leaves_the_table_alone(new_service: Callable[..., Service], tmp_path: Path) -> None:
    tables = Tables(new_service(), tmp_path).with_parents()
    text = employees(20_000) + "x\n"
    assert counts(tables.put("hired_employees.csv", text, dry_run=True)) == (20_001, 20_000, 0, 0, 1)
    assert tables.rows("hired_employees") == []
    assert counts(tables.put("hired_employees.csv", text)) == (20_001, 20_000, 0, 0, 1)


def test_a_dry_run_keeps_to_limits(jobs: Tables) -> None:
    loads = jobs.loads()
    jobs.fail(RejectsExceeded, jobs.write("jobs.csv", DIRTY), max_rejects="1", dry_run=True)
    assert jobs.loads() == loads


def _told(receipt: dict[str, object]) -> dict[str, object]:
    told = {key: value for key, value in receipt.items() if key not in {"load_id", "dry_run"}}
    files = receipt["tables"]
    assert isinstance(files, list)
    return told | {"tables": [{**file, "seconds": 0} for file in files]}
