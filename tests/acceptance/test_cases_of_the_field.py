"""Files of other programs, by the installed command and by HTTP: each row is what it should be, in either way."""

import os
from pathlib import Path
from typing import Any

import fastavro
import httpx
import pytest
from serving import served
from test_commands import answer

from field_cases import CASES, PAY, REFUSED, TAKEN

WAYS = ["command", "body", "form"]
MODELS: dict[str, Any] = {"ROWFERRY_MODELS": "pay_tables", "PYTHONPATH": str(Path(__file__).parents[1])}

Rejects = list[tuple[int, dict[str, str]]]


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    folders = {"LOG_DIR": str(tmp_path / "logs"), "BACKUP_DIR": str(tmp_path / "backups")}
    return os.environ | folders | {"SQLALCHEMY_DATABASE_URL": database_url}


def load(environment: dict[str, str], client: httpx.Client, way: str, name: str, table: str) -> Rejects:
    """Load a case, and find the faults of each row that was rejected."""
    path = CASES / name
    if way == "command":
        receipt = answer(environment, "load", path, "--table", table, code=1)
    else:
        content = path.read_bytes()
        sent: dict[str, Any] = {"files": {"file": (name, content)}} if way == "form" else {"content": content}
        receipt = client.post(f"/full-bulk-insert/{table}", **sent).json()
    assert receipt["rows_read"] == receipt["inserted"] + receipt["rejected"]
    if way == "command":
        found = answer(environment, "rejects", receipt["load_id"])["rejects"]
    else:
        found = client.get(f"/loads/{receipt['load_id']}/rejects").json()["items"]
    return [(row["row_number"], {error["column"]: error["code"] for error in row["errors"]}) for row in found]


def rows(client: httpx.Client, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/tables/{table}/rows").json()["items"]
    return found


@pytest.mark.parametrize("way", WAYS)
def test_instants(environment: dict[str, str], database_url: str, tmp_path: Path, way: str) -> None:
    with served(database_url, tmp_path / "served") as running:
        for table in ("departments", "jobs"):
            running.client.post(f"/full-bulk-insert/{table}", content="1,Alpha\n").raise_for_status()
        rejected = load(environment, running.client, way, "c15_datetimes.csv", "hired_employees")
        assert rejected == [(number, {"datetime": code}) for number, (code, _) in REFUSED.items()]
        found = {row["id"]: row["datetime"] for row in rows(running.client, "hired_employees")}
        assert found == {number: f"{instant}Z" for number, instant in TAKEN.items()}


@pytest.mark.parametrize("way", WAYS)
def test_amounts_and_flags(environment: dict[str, str], database_url: str, tmp_path: Path, way: str) -> None:
    with served(database_url, tmp_path / "served", **MODELS) as running:
        rejected = load(environment | MODELS, running.client, way, "c16_pay.csv", "pay")
        assert rejected == [(number + 1, faults) for number, faults in PAY.items() if faults]
        found = {row["id"]: row for row in rows(running.client, "pay")}
        assert list(found) == [number for number, faults in PAY.items() if not faults]
        assert [(found[number]["amount"], found[number]["rate"]) for number in (3, 4)] == [
            ("0.50", 0.5),
            ("-0.50", -0.5),
        ]


def test_avro_files(environment: dict[str, str], database_url: str, tmp_path: Path) -> None:
    """Files of others are restored by command; what came in is backed up and restored by HTTP as well."""
    cases = {"a13_bzip2.avro": [], "a18_decimal_id.avro": [], "a23_nested_extra.avro": ["meta", "tags"]}
    with served(database_url, tmp_path / "served", BACKUP_DIR=environment["BACKUP_DIR"]) as running:
        for name, ignored in cases.items():
            restored = answer(environment, "restore", "departments", "--backup", CASES / name, "--unverified")
            assert restored["tables"][0]["ignored"] == ignored
            with (CASES / name).open("rb") as file:
                held = [(int(row["id"]), row["department"]) for row in fastavro.reader(file)]  # type: ignore[index,call-overload]
            assert [tuple(row.values()) for row in rows(running.client, "departments")] == held
            assert running.client.post("/backup-table/departments").status_code == 201
            running.client.post("/full-bulk-insert/departments", content="99,Omega\n").raise_for_status()
            receipt = running.client.post("/restore-table/departments").json()
            assert (receipt["removed"], receipt["unchanged"]) == (1, len(held))
