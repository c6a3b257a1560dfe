"""The rows of a table by HTTP: every row once, in the order of its key, with its very values."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve

from rowferry.api import state
from rowferry.settings import Settings


@pytest.fixture
def client(filled_url: str, globant: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(filled_url, globant, tmp_path / "logs") as client:
        yield client


def pages(client: httpx.Client, url: str | None) -> list[list[dict[str, Any]]]:
    found = []
    while url:
        page = client.get(url).raise_for_status().json()
        found.append(page["items"])
        url = page["next"]
    return found


def test_all_rows_page_by_page(client: httpx.Client) -> None:
    found = pages(client, "/tables/hired_employees/rows?limit=500")
    assert [len(page) for page in found] == [500, 500, 500, 429]
    rows = [row for page in found for row in page]
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    assert rows[0] == {
        "id": 1,
        "name": "Harold Vogt",
        "datetime": "2021-11-07T02:48:42Z",
        "department_id": 2,
        "job_id": 96,
    }
    assert [len(page) for page in pages(client, "/tables/departments/rows?limit=12")] == [12]
    assert pages(client, "/tables/departments/rows?after=12") == [[]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/tables/employees/rows", 404, "table.unknown"),
        ("/tables/jobs/rows?after=one", 422, "table.key"),
        ("/tables/jobs/rows?after=", 422, "table.key"),
        ("/tables/jobs/rows?after=1&after=2", 422, "table.key"),
        ("/tables/jobs/rows?after=99999999999", 422, "table.key"),
        ("/tables/jobs/rows?after=%00", 422, "table.key"),
        ("/tables/jobs/rows?limit=0", 422, "request.invalid"),
    ],
)
def test_nonsense_is_told_as_such(client: httpx.Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_values_of_every_kind_and_keys_of_every_sort(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service_of = state.StartedService

    def serving_other_tables(service: Any) -> state.StartedService:
        settings: Settings = replace(service.settings, models="fourth_table")
        return service_of(type(service)(settings))

    monkeypatch.setattr(state, "StartedService", serving_other_tables)
    files = {
        "departments": "1,Sales\n",
        "projects": "1,Alpha,1,3,9223372036854775807,12.50,0.1,true,2030-12-31,2021-05-06T07:08:09.123456Z\n"
        "2,Beta,,1,,,,,,\n3,C,,1,,,,,,\n",
        "countries": 'AT,Austria\n"a b&c=d",\n%00,\nÖ,x\n',
        "assignments": '1,AT\n1,"a b&c=d"\n2,AT\n2,Ö\n3,%00\n',
    }
    with serve(database_url, tmp_path, tmp_path / "logs") as client:
        for table, content in files.items():
            assert client.post(f"/full-bulk-insert/{table}", content=content).json()["rejected"] == 0
        assert pages(client, "/tables/projects/rows")[0][0] == {
            "id": 1,
            "name": "Alpha",
            "department_id": 1,
            "level": 3,
            "visits": 2**63 - 1,
            "budget": "12.50",
            "ratio": 0.1,
            "active": True,
            "ends": "2030-12-31",
            "seen": "2021-05-06T07:08:09.123456Z",
        }
        for table, keys in (("countries", {"AT", "a b&c=d", "%00", "Ö"}), ("projects", {1, 2, 3})):
            found = pages(client, f"/tables/{table}/rows?limit=1")
            assert {next(iter(row.values())) for page in found for row in page} == keys
            assert len(found) == len(keys)
        whole = pages(client, "/tables/assignments/rows")[0]
        assert [page[0] for page in pages(client, "/tables/assignments/rows?limit=1")] == whole
        assert len(whole) == 5
