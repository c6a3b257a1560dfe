"""What an operator sees of each request: its id, its line in the log, its share in the metrics."""

import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import Served, served


def lines_of(running: Served, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (running.folder / "logs" / f"{name}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("requests")
    with served(f"sqlite:///{folder}/a.db", folder, "--workers", "2") as found:
        yield found


def test_the_id_of_a_request_comes_back_and_stands_in_every_log(running: Served) -> None:
    answer = running.client.post("/full-bulk-insert/jobs", content="1,Clerk\nx\n", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    batch = running.client.post("/batch-transactions", json={"jobs": [{"id": 2}]}, headers={"X-Request-ID": "mine-2"})
    assert batch.status_code == 422
    events = [line["event"] for line in lines_of(running, "full_bulk_insert") if line["request_id"] == "mine-1"]
    assert events == ["LoadStarted", "RowRejected", "PublishStarted", "LoadFinished"]
    finished = lines_of(running, "full_bulk_insert")[-1]
    assert (finished["id"], finished["rows_read"], finished["inserted"], finished["rejected"]) == (
        answer.json()["load_id"],
        2,
        1,
        1,
    )
    assert finished["seconds"] > 0
    assert {line["request_id"] for line in lines_of(running, "batch_transactions")} == {"mine-2"}
    served_lines = [line for line in lines_of(running, "serve") if line.get("request_id") == "mine-1"]
    assert [line["event"] for line in served_lines] == ["LoadStarted", "PublishStarted", "LoadFinished", "request"]
    assert (served_lines[-1]["path"], served_lines[-1]["status"]) == ("/full-bulk-insert/jobs", 200)


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "a\tb", 'quote"'])
def test_an_id_that_cannot_stand_in_a_log_is_replaced(running: Served, given: str) -> None:
    answer = running.client.get("/tables", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["x-request-id"])


def test_what_the_framework_answers_has_an_id_too(running: Served) -> None:
    for path in ("/nowhere", "/tables/jobs?x=%00", "/docs", "/livez"):
        assert running.client.get(path).headers["x-request-id"]


def test_every_line_is_json_and_programs_that_look_often_are_quiet(running: Served) -> None:
    running.client.get("/livez")
    running.client.get("/nowhere%0Ainjected%1B[31m")
    injected = "/nowhere\ninjected\x1b[31m"
    end = time.monotonic() + 10
    while json.dumps(injected) not in running.log and time.monotonic() < end:
        time.sleep(0.01)  # a request may be answered before it is told of
    told = [json.loads(line) for line in running.log.splitlines()]
    assert all({"time", "level", "event"} <= set(line) for line in told)
    assert injected in [line.get("path") for line in told]
    assert not {"/livez", "/readyz"} & {line["path"] for line in told if line.get("status") == 200}


def test_metrics_are_those_of_all_workers(running: Served) -> None:
    def count() -> float:
        found = re.findall(r"rowferry_http_requests_total\{.*route=\"/tables/\{table\}\".*\} (\S+)\n", text())
        return sum(map(float, found))

    def text() -> str:
        answer = running.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    assert running.client.post("/full-bulk-insert/departments", content="1,Sales\n").status_code == 200
    before = count()
    for _ in range(10):
        with httpx.Client(base_url=running.client.base_url) as another:
            another.get("/tables/jobs")
    assert count() == before + 10
    assert 'rowferry_full_bulk_insert_rows_total{outcome="inserted"}' in text()


def test_a_load_on_one_worker_is_seen_from_the_others(tmp_path: Path) -> None:
    with served(f"sqlite:///{tmp_path}/b.db", tmp_path, "--workers", "3") as running:
        ids = [
            running.client.post("/full-bulk-insert/jobs", content=f"{number},Clerk\n").json()["load_id"]
            for number in range(4)
        ]
        for _ in range(6):
            with httpx.Client(base_url=running.client.base_url) as another:
                listed = another.get("/loads")
                assert listed.status_code == 200, f"{listed.text}\n{running.log}"
                assert [line["load_id"] for line in listed.json()["items"]] == ids[::-1]
                assert "event: receipt" in another.get(f"/loads/{ids[0]}/events").text


@pytest.mark.parametrize("path", ["/", "/livez", "/loads", "/openapi.json", "/web/style.css", "/nowhere"])
def test_head_is_get_without_its_body(running: Served, path: str) -> None:
    head, get = running.client.head(path), running.client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == get.headers.get(name)
    assert running.client.get("/livez").status_code == 200
