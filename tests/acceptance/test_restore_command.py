"""`rowferry restore` as a user meets it: back up, damage, dry run, restore; and all that may stand in the way."""

import json
import os
from pathlib import Path
from typing import Any

import fastavro
import pytest
import sqlalchemy as sa
from test_commands import answer, run

from rowferry.settings import read_settings

COUNTS = ("added", "changed", "removed", "unchanged", "rejected")


@pytest.fixture
def environment(tmp_path: Path, filled_url: str) -> dict[str, str]:
    folders = {name: str(tmp_path / name) for name in ("LOG_DIR", "DATA_DIR", "BACKUP_DIR")}
    return os.environ | folders | {"SQLALCHEMY_DATABASE_URL": filled_url, "COLUMNS": "160"}


def execute(environment: dict[str, str], *statements: str) -> list[Any]:
    url = read_settings(environment["SQLALCHEMY_DATABASE_URL"]).url
    driver = "postgresql+psycopg" if url.drivername.startswith("postgresql") else url.drivername
    engine = sa.create_engine(url.set(drivername=driver), poolclass=sa.NullPool)
    found: list[Any] = []
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
            found += [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def counts(receipt: dict[str, Any]) -> list[int]:
    return [receipt[count] for count in COUNTS]


ROWS = "SELECT * FROM hired_employees ORDER BY id"


def test_back_up_damage_rehearse_restore(environment: dict[str, str]) -> None:
    answer(environment, "backup")
    before = execute(environment, ROWS)
    execute(environment, "DELETE FROM hired_employees WHERE id > 1990", "UPDATE hired_employees SET name = 'x'")
    damaged = execute(environment, ROWS)
    changed = len(damaged)
    rehearsed = answer(environment, "restore", "hired_employees", "--dry-run")
    assert counts(rehearsed) == [len(before) - changed, changed, 0, 0, 0]
    assert execute(environment, ROWS) == damaged
    restored = answer(environment, "restore", "hired_employees")
    assert counts(restored) == counts(rehearsed)
    assert execute(environment, ROWS) == before
    assert answer(environment, "restores")["restores"][0]["restore_id"] == restored["restore_id"]
    logged = Path(environment["LOG_DIR"], "restore_table.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in logged[-3:]] == [
        "RestoreStarted",
        "PublishStarted",
        "RestoreFinished",
    ]


def test_what_people_are_shown(environment: dict[str, str]) -> None:
    answer(environment, "backup")
    execute(
        environment,
        "INSERT INTO departments VALUES (77, 'New')",
        "UPDATE departments SET department = 'Renamed' WHERE id = 3",
        "UPDATE hired_employees SET department_id = 77 WHERE id = 1",
    )
    dry = run(environment, "restore", "departments", "--dry-run")
    assert dry.returncode == 3
    for told in ("id 77", "id 3", "department", "1 row of hired_employees refers ", "What to do"):
        assert told in dry.stdout
    refused = run(environment, "restore", "departments")
    assert refused.returncode == 3
    assert "Obstacle" in refused.stdout
    refusal = answer(environment, "restore", "departments", code=3)
    assert (refusal["status"], refusal["obstacles"][0]["kind"]) == ("refused", "referred_to")
    assert counts(answer(environment, "restore", "hired_employees", "--with-parents")) == [0, 2, 1, 2122, 0]
    shown = run(environment, "restore", "departments")
    assert shown.returncode == 0
    assert "12" in shown.stdout
    assert "refused" in run(environment, "restores").stdout


def test_rows_that_break_a_rule_are_left_out_only_if_asked_for(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.avro"
    fields = [{"name": "department", "type": ["null", "string"]}, {"name": "id", "type": "long"}]
    fields.append({"name": "gone", "type": ["null", "string"]})
    rows = [{"id": number, "department": f"Department {number}"} for number in range(1, 13)]
    with path.open("wb") as file:
        fastavro.writer(
            file, {"type": "record", "name": "any", "fields": fields}, [*rows, {"id": 2**40, "department": ""}]
        )
    refused = answer(environment, "restore", "departments", "--backup", path, code=2)
    assert refused["error"]["code"] == "restore.unverified"
    refused = answer(environment, "restore", "departments", "--backup", path, "--unverified", code=3)
    assert refused["obstacles"][0]["kind"] == "rules_broken"
    said = run(environment, "restore", "departments", "--backup", path, "--unverified", "--dry-run").stdout
    assert "Skipped because departments has no such columns: 'gone'." in said
    done = answer(environment, "restore", "departments", "--backup", path, "--unverified", "--partial", code=1)
    assert done["tables"][0]["ignored"] == ["gone"]
    assert counts(done) == [0, 12, 0, 0, 1]
    (rejected,) = answer(environment, "rejects", done["restore_id"])["rejects"]
    assert [error["code"] for error in rejected["errors"]] == ["value.range", "value.required"]
    csv = tmp_path / "correct.csv"
    answer(environment, "rejects", done["restore_id"], "--csv", csv)
    assert "1099511627776,," in csv.read_text()


def test_damaged_backups_are_refused_or_passed_over(environment: dict[str, str]) -> None:
    old, new = (answer(environment, "backup", "jobs")["backups"][0]["backup_id"] for _ in range(2))
    path = Path(environment["BACKUP_DIR"], "jobs", f"{new}.avro")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert answer(environment, "restore", "jobs", "--backup", new, code=3)["error"]["code"] == "backup.damaged"
    receipt = answer(environment, "restore", "jobs", "--dry-run")
    assert receipt["tables"][0]["backup_id"] == old
    assert list(receipt["passed_over"]) == [new]
    assert "Skipped: " in run(environment, "restore", "jobs", "--dry-run").stdout
    Path(environment["BACKUP_DIR"], "jobs", f"{old}.avro").unlink()
    assert answer(environment, "restore", "jobs", code=3)["error"]["code"] == "restore.no_backup"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nothing",), 2, "table.unknown"),
        (("jobs",), 3, "restore.no_backup"),
        (("jobs", "--backup", "jobs-20260101T000000000000-00000000"), 2, "backup.unknown"),
        (("jobs", "--backup", "../etc/passwd"), 2, "path.missing"),
        (("jobs", "--backup", "/etc/passwd"), 2, "restore.unverified"),
        (("jobs", "--backup", "/etc/passwd", "--unverified"), 3, "backup.damaged"),
        (("jobs", "--unverified"), 2, "option.invalid"),
        (("hired_employees", "--backup", "/etc/passwd", "--unverified", "--with-parents"), 2, "option.invalid"),
    ],
)
def test_wrong_usage_is_told(environment: dict[str, str], words: tuple[str, ...], code: int, told: str) -> None:
    assert answer(environment, "restore", *words, code=code)["error"]["code"] == told


def test_backups_of_another_table_or_snapshot_are_refused(environment: dict[str, str]) -> None:
    (jobs,) = answer(environment, "backup", "jobs")["backups"]
    (alone,) = answer(environment, "backup", "hired_employees")["backups"]
    found = answer(environment, "restore", "departments", "--backup", jobs["backup_id"], code=2)
    assert found["error"]["code"] == "restore.other_table"
    found = answer(environment, "restore", "hired_employees", "--backup", alone["backup_id"], "--with-parents", code=2)
    assert found["error"]["code"] == "restore.parents_not_backed_up"
    path = Path(environment["BACKUP_DIR"], "jobs", f"{jobs['backup_id']}.avro")
    assert counts(answer(environment, "restore", "jobs", "--backup", path)) == [0, 0, 0, 183, 0]


def test_what_is_wrong_with_newer_backups_is_told(environment: dict[str, str]) -> None:
    """One that was made without the parents, and one whose manifest was edited."""
    whole = answer(environment, "backup")["backups"][-1]["backup_id"]
    (alone,) = answer(environment, "backup", "hired_employees")["backups"]
    edited = answer(environment, "backup")["backups"][-1]["backup_id"]
    manifest = Path(environment["BACKUP_DIR"], "hired_employees", f"{edited}.manifest.json")
    manifest.write_text(manifest.read_text().replace('"rows": ', '"rows": 1'))
    receipt = answer(environment, "restore", "hired_employees", "--with-parents", "--dry-run")
    assert receipt["tables"][-1]["backup_id"] == whole
    assert list(receipt["passed_over"]) == [edited, alone["backup_id"]]
    said = run(environment, "restore", "hired_employees", "--with-parents", "--dry-run").stdout
    assert said.count("Skipped: ") == 2


def test_a_file_of_another_program_may_have_any_name(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fields = [{"name": "id", "type": "int"}, {"name": "job", "type": "string"}]
    with Path("jobs_export").open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "jobs", "fields": fields}, [{"id": 1, "job": "Clerk"}])
    dry = answer(environment, "restore", "jobs", "--backup", "jobs_export", "--unverified", "--dry-run", code=3)
    assert (dry["tables"][0]["rows_read"], dry["tables"][0]["source"]) == (1, "jobs_export")
    assert (
        answer(environment, "restore", "jobs", "--backup", "jobs_export", code=2)["error"]["code"] == "backup.unknown"
    )
