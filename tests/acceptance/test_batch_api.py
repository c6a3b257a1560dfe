"""Batches over HTTP: statuses, problems, keys, and what the documentation says of them."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve

from batching import company, employee, job
from rowferry.operations import batch_transactions as operation
from rowferry.operations.batch_receipt import BatchReceipt
from waiting import wait_until

ROUTE = "/batch-transactions"


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(database_url, tmp_path, tmp_path / "logs") as client:
        yield client


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[httpx.Client]:
    """A server for what needs no database of a certain kind."""
    with serve(f"sqlite:///{tmp_path}/idle.db", tmp_path, tmp_path / "logs") as client:
        yield client


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_every_row_is_in(client: httpx.Client) -> None:
    answer = client.post(ROUTE, json=company([employee(1), employee(2)]))
    assert answer.status_code == 201
    assert answer.json() | {"batch_id": ""} == {
        "batch_id": "",
        "received": 4,
        "inserted": {"departments": 1, "jobs": 1, "hired_employees": 2},
        "updated": {"departments": 0, "jobs": 0, "hired_employees": 0},
        "unchanged": {"departments": 0, "jobs": 0, "hired_employees": 0},
        "rejected": [],
    }
    again = client.post(ROUTE, json=company([employee(1), employee(2)]))
    assert (again.status_code, again.json()["unchanged"]["hired_employees"]) == (201, 2)


def test_some_rows_are_rejected(client: httpx.Client, tmp_path: Path) -> None:
    body = '{"jobs": [{"id": 1, "job": "Clerk"}, {"id": 2.50}, "\\u00e4"]}'
    answer = client.post(ROUTE, content=body)
    assert answer.status_code == 207
    assert '"row": {"id": 2.50}, ' in answer.text
    assert [(row["index"], [e["code"] for e in row["errors"]]) for row in answer.json()["rejected"]] == [
        (1, ["value.type", "value.required"]),
        (2, ["row.not_an_object"]),
    ]
    batch = client.get(f"/batches/{answer.json()['batch_id']}").json()
    assert batch["rejected"] == answer.json()["rejected"]
    assert (batch["status"], batch["received"], batch["caller"]) == ("done", 3, "api:127.0.0.1")
    lines = (tmp_path / "logs" / "batch_transactions.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["RowRejected", "RowRejected", "BatchFinished"]


@pytest.mark.parametrize("params", [{}, {"all_or_nothing": "true"}])
def test_no_row_is_in(client: httpx.Client, params: dict[str, str]) -> None:
    rows = [job(1, ""), *([job(2)] if params else [])]
    answer = client.post(ROUTE, json={"jobs": rows}, params=params)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (422, 422, "batch.rejected")
    assert problem["errors"] == [
        {"location": "body.jobs.0.job", "code": "value.required", "message": "job is required"}
    ]
    assert problem["inserted"] == {"jobs": 0}
    assert problem["rejected"][0]["row"] == {"id": 1, "job": ""}
    assert problem["batch_id"] in problem["hint"]
    listed = client.get("/batches").json()["items"]
    assert [(batch["batch_id"], batch["rejected"]) for batch in listed] == [(problem["batch_id"], 1)]


def test_conflicts(client: httpx.Client) -> None:
    client.post(ROUTE, json={"jobs": [job(1)]})
    changed = {"jobs": [job(1, "Lawyer")]}
    assert client.post(ROUTE, json=changed).json()["code"] == "batch.rejected"
    assert client.post(ROUTE, json=changed, params={"on_conflict": "skip"}).json()["unchanged"] == {"jobs": 1}
    assert client.post(ROUTE, json=changed, params={"on_conflict": "update"}).json()["updated"] == {"jobs": 1}


DEEP = 100_000
ONE = {"id": 1, "job": "Clerk"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body.not_json"),
        (b"{", "body.not_json"),
        (b'{"jobs": [1}', "body.not_json"),
        (b'{"jobs": [1],}', "body.not_json"),
        (b'{"jobs": [}', "body.not_json"),
        (b'{"jobs": [1,]}', "body.not_json"),
        (b'{"jobs": ', "body.not_json"),
        (b'{"jobs": }', "body.not_json"),
        (b'{"jobs": [{"id": }]}', "body.not_json"),
        (b'{"jobs": [1 2]}', "body.not_json"),
        (b'{"jobs" [1]}', "body.not_json"),
        (b'{"jobs": [1]} {}', "body.not_json"),
        (b'{"jobs": [1]]', "body.not_json"),
        (b"{jobs: [1]}", "body.not_json"),
        (b"\xff\xfe{}", "body.not_json"),
        (b'{"jobs": [{"id": NaN}]}', "body.not_json"),
        (b'{"jobs": [{"id": -Infinity}]}', "body.not_json"),
        (b'{"jobs": [{"id": 01}]}', "body.not_json"),
        (b'{"jobs": ["\x00"]}', "body.not_json"),
        (b'{"jobs": ' + DEEP * b"[" + DEEP * b"]" + b"}", "body.too_deep"),
        (DEEP * b"[", "body.too_deep"),
        (b'{"jobs": [' + DEEP * b'{"a":', "body.too_deep"),
        (b"[]", "batch.malformed"),
        (b"null", "batch.malformed"),
        (b'"\\ud800"', "batch.malformed"),
        (b'{"jobs": {}}', "batch.malformed"),
        (b'{"jobs": null}', "batch.malformed"),
        (b'{"jobs": [1], "jobs": [2]}', "batch.malformed"),
        (b'{"employees": [1]}', "batch.table_unknown"),
        (b'{"\\u0000\\ud800": [1]}', "batch.table_unknown"),
        (b'{"Jobs": [1]}', "batch.table_unknown"),
        (b"{}", "batch.size"),
        (b'{"jobs": [], "departments": []}', "batch.size"),
        (json.dumps({"jobs": 1001 * [ONE]}).encode(), "batch.size"),
        (json.dumps({"jobs": 500 * [ONE], "departments": 501 * [ONE]}).encode(), "batch.size"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bodies_that_are_no_batch(idle: httpx.Client, body: bytes, code: str) -> None:
    answer = idle.post(ROUTE, content=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert problem["detail"]
    assert problem["hint"]
    assert idle.get("/batches").json()["items"] == []


def test_hostile_rows_are_told_and_kept(client: httpx.Client) -> None:
    nested = 900 * "[" + 900 * "]"
    rows = [
        '{"id": 1, "id": 2, "job": "x"}',
        '{"id": 99999999999999999999, "job": "x"}',
        '{"id": ' + 5000 * "9" + ', "job": "x"}',
        '{"id": 1e400, "job": "x"}',
        '{"id": 1, "job": "\\u0000"}',
        '{"id": 1, "job": "\\ud800"}',
        '{"id": 1, "job": "x", "\\ud800\\u0000": 1}',
        '{"id": 1, "job": ' + nested + "}",
        "null",
    ]
    answer = client.post(ROUTE, content=f'{{"jobs": [{", ".join(rows)}, {json.dumps(ONE)}]}}')
    assert answer.status_code == 207
    rejected = json.loads(answer.text, parse_int=str)["rejected"]
    assert [[e["code"] for e in row["errors"]] for row in rejected] == [
        ["value.type"],
        ["value.range"],
        ["value.range"],
        ["value.type"],
        ["value.type"],
        ["value.type"],
        ["value.unknown_column"],
        ["value.type"],
        ["row.not_an_object"],
    ]
    (batch,) = client.get("/batches").json()["items"]
    shown = client.get(f"/batches/{batch['batch_id']}")
    assert json.loads(shown.text, parse_int=str)["rejected"] == rejected


def test_a_row_that_is_too_long_comes_back_whole_but_only_its_beginning_is_kept(client: httpx.Client) -> None:
    long = job(2, 1_100_000 * "x")
    answer = client.post(ROUTE, json={"jobs": [job(1), long]})
    assert (answer.status_code, answer.json()["rejected"][0]["row"]) == (207, long)
    (kept,) = client.get(f"/batches/{answer.json()['batch_id']}").json()["rejected"]
    assert kept["row"] == json.dumps(long, separators=(",", ":"))[:65_536]


def test_a_body_that_is_too_large(idle: httpx.Client) -> None:
    answer = idle.post(ROUTE, content=b" " * (8 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")
    assert idle.post(ROUTE, content=json.dumps({"jobs": [ONE]}).ljust(8 * 1024 * 1024)).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 201),
        ({"Content-Type": "application/vnd.api+json; charset=UTF-8"}, 201),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
    ids=str,
)
def test_media_types(idle: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = idle.post(ROUTE, content=json.dumps({"jobs": [ONE]}), headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["code"] == "request.media_type"


def test_unknown_parameters_are_refused(idle: httpx.Client) -> None:
    assert idle.post(ROUTE, json={"jobs": [ONE]}, params={"on_conflicts": "skip"}).status_code == 422
    assert idle.post(ROUTE, json={"jobs": [ONE]}, params={"on_conflict": "ignore"}).status_code == 422


def test_batches_are_listed_in_pages(client: httpx.Client) -> None:
    sent = [client.post(ROUTE, json={"jobs": [job(number)]}).json()["batch_id"] for number in range(3)]
    page = client.get("/batches", params={"limit": 2}).json()
    following = client.get(page["next"]).json()
    assert [batch["batch_id"] for batch in page["items"] + following["items"]] == sent[::-1]
    assert following["next"] is None
    assert client.get("/batches/other").json()["code"] == "batch.unknown"


def test_a_repeat_gets_the_same_bytes(client: httpx.Client) -> None:
    for key, body in {"all": {"jobs": [job(1)]}, "some": {"jobs": [job(2), 3]}, "none": {"jobs": [4]}}.items():
        headers = keyed(key)
        first = client.post(ROUTE, json=body, headers=headers)
        again = client.post(ROUTE, json=body, headers=headers)
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        same = ("content-type", "content-length")
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
    assert len(client.get("/batches").json()["items"]) == 3


def test_a_key_in_quotes_is_the_same_key(client: httpx.Client) -> None:
    first = client.post(ROUTE, json={"jobs": [ONE]}, headers=keyed('"8e03978e"'))
    assert client.post(ROUTE, json={"jobs": [ONE]}, headers=keyed("8e03978e")).content == first.content


def test_a_retry_from_another_address_is_a_retry(client: httpx.Client) -> None:
    """And so it does not undo what somebody has made of the rows since."""
    first = client.post(ROUTE, json={"jobs": [job(1)]}, headers=keyed("key"), params={"on_conflict": "update"})
    assert client.post(ROUTE, json={"jobs": [job(1, "Newer")]}, params={"on_conflict": "update"}).status_code == 201
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=client.base_url, transport=transport) as another:
        again = another.post(ROUTE, json={"jobs": [job(1)]}, headers=keyed("key"), params={"on_conflict": "update"})
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert client.get("/tables/jobs/rows").json()["items"] == [job(1, "Newer")]


def test_a_key_is_for_one_body(client: httpx.Client) -> None:
    client.post(ROUTE, json={"jobs": [job(1)]}, headers=keyed("key"))
    answer = client.post(ROUTE, json={"jobs": [job(2)]}, headers=keyed("key"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_reused")


def test_a_body_that_is_no_batch_leaves_the_key_free(client: httpx.Client) -> None:
    assert client.post(ROUTE, json={}, headers=keyed("key")).status_code == 422
    assert client.post(ROUTE, json={"jobs": [ONE]}, headers=keyed("key")).status_code == 201


@pytest.mark.parametrize("key", ["", '"', '""', "a b", 'a"b', 256 * "x", '"ä"'.encode()], ids=str)
def test_keys_that_are_no_keys(idle: httpx.Client, key: str | bytes) -> None:
    spelled = key if isinstance(key, bytes) else key.encode()
    answer = idle.post(ROUTE, json={"jobs": [ONE]}, headers=[(b"Idempotency-Key", spelled)])
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.key_invalid")


def test_two_keys_are_no_key(idle: httpx.Client) -> None:
    answer = idle.post(ROUTE, json={"jobs": [ONE]}, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert answer.json()["code"] == "idempotency.key_invalid"


@contextmanager
def held_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Batches stop within their transaction, when the first event is set, until the second is."""
    there, go_on, keep = threading.Event(), threading.Event(), operation._Batch._keep

    def wait_and_keep(batch: Any, transaction: Any, receipt: BatchReceipt) -> None:
        there.set()
        assert go_on.wait(30)
        keep(batch, transaction, receipt)

    monkeypatch.setattr(operation._Batch, "_keep", wait_and_keep)
    try:
        yield there, go_on
    finally:
        go_on.set()


def test_a_request_that_is_under_way(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def send() -> httpx.Response:
        return client.post(ROUTE, json={"jobs": [ONE]}, headers=keyed("key"))

    with held_back(monkeypatch) as (there, go_on), ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        assert there.wait(30)
        answer = send()
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency.in_flight")
        go_on.set()
        assert first.result().status_code == 201
    assert send().content == first.result().content


def test_the_database_may_be_away_and_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with serve(f"sqlite:///{folder}/x.db", tmp_path, tmp_path / "logs") as client:
        answer = client.post(ROUTE, json={"jobs": [ONE]})
        assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        folder.mkdir()
        wait_until(lambda: client.post(ROUTE, json={"jobs": [ONE]}).status_code == 201)


def test_the_documentation_shows_the_schemas(idle: httpx.Client) -> None:
    document = idle.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"BatchTransaction", "Department", "Job", "HiredEmployee", "BatchProblem"} <= schemas.keys()
    assert schemas["Department"]["examples"] == [{"id": 1, "department": "Supply Chain"}]
    (example,) = schemas["BatchTransaction"]["examples"]
    operation_ = document["paths"][ROUTE]["post"]
    assert operation_["operationId"] == "batch_transactions"
    assert operation_["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/BatchTransaction")
    assert {"201", "207", "409", "413", "415", "422", "503"} <= operation_["responses"].keys()
    assert "24 hours" in json.dumps(operation_)
    assert idle.post(ROUTE, json=example).status_code == 201
