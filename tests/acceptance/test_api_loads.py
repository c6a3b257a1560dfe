"""The main job by REST: history goes in, what was rejected comes back to be corrected."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread, Timer

import httpx
import pytest
from api_server import counts, read_events, serve, stopped_at

from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.events import LoadStarted, RowsJudged
from waiting import wait_until


@pytest.fixture
def client(database_url: str, globant: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(database_url, globant, tmp_path / "logs") as client:
        yield client


def test_real_input_loads_and_a_second_run_changes_nothing(client: httpx.Client) -> None:
    first = client.post("/full-bulk-insert")
    assert first.status_code == 200
    tables = {table["table"]: counts(table) for table in first.json()["tables"]}
    assert tables == {"departments": (12, 0, 0, 0), "jobs": (183, 0, 0, 0), "hired_employees": (1929, 0, 0, 70)}
    assert first.json()["tables"][2]["rejected_by_code"] == {"value.required": 70}
    assert counts(client.post("/full-bulk-insert").json()) == (0, 0, 2124, 70)

    history = client.get("/loads").json()
    assert [counts(load) for load in history["items"]] == [(0, 0, 2124, 70), (2124, 0, 0, 70)]
    assert history["next"] is None
    load = client.get(f"/loads/{first.json()['load_id']}").json()
    assert (load["status"], load["caller"], load["error"]) == ("done", "api:127.0.0.1", None)
    assert [source["bytes"] for source in load["sources"]] == [182, 4241, 90937]


def test_dry_run_answers_the_same_receipt_and_writes_nothing(client: httpx.Client) -> None:
    dry = client.post("/full-bulk-insert", params={"dry_run": True}, headers={"Prefer": "respond-async"})
    assert (dry.status_code, counts(dry.json()), dry.json()["dry_run"]) == (200, (2124, 0, 0, 70), True)
    assert client.get("/loads").json()["items"] == []
    assert counts(client.post("/full-bulk-insert").json()) == (2124, 0, 0, 70)


def test_too_many_rejects_insert_nothing_but_are_kept(client: httpx.Client) -> None:
    answer = client.post("/full-bulk-insert", params={"max_rejects": "69"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "load.rejects_exceeded")
    load = client.get(f"/loads/{problem['load_id']}").json()
    assert (load["status"], load["error"]["code"], counts(load)) == ("failed", problem["code"], (0, 0, 0, 70))
    assert len(client.get(f"/loads/{problem['load_id']}/rejects").json()["items"]) == 70
    [(name, last)] = read_events(iter(client.get(f"/loads/{problem['load_id']}/events").text.splitlines()))
    assert (name, last["code"], last["status"]) == ("problem", problem["code"], 422)
    assert counts(client.post("/full-bulk-insert", params={"max_rejects": "70"}).json()) == (2124, 0, 0, 70)


def test_rejects_come_in_pages(client: httpx.Client) -> None:
    load_id = client.post("/full-bulk-insert").json()["load_id"]
    found, url = [], f"/loads/{load_id}/rejects?limit=32&table=hired_employees"
    sizes = []
    while url:
        page = client.get(url).json()
        sizes.append(len(page["items"]))
        found += page["items"]
        url = page["next"]
    assert sizes == [32, 32, 6]
    assert [row["reject_id"] for row in found] == list(range(1, 71))
    assert found[0] == {
        "reject_id": 1,
        "load_id": load_id,
        "table": "hired_employees",
        "source": "hired_employees.csv",
        "row_number": 2,
        "raw": "2,Ty Hofer,2021-05-30T05:43:46Z,8,",
        "errors": [{"column": "job_id", "code": "value.required", "message": "job_id is required"}],
    }
    assert client.get(f"/loads/{load_id}/rejects?table=jobs").json() == {"items": [], "next": None}


def test_loads_come_in_pages_newest_first(client: httpx.Client) -> None:
    made = [client.post("/full-bulk-insert/jobs", content=f"{n},Clerk").json()["load_id"] for n in range(3)]
    first = client.get("/loads", params={"limit": 2}).json()
    second = client.get(first["next"]).json()
    assert [load["load_id"] for load in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None


def csv_of(answer: httpx.Response) -> str:
    """A file for spreadsheets, without the byte order mark that it begins with."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return answer.content.decode("utf-8-sig")


def test_rejects_are_corrected_and_loaded_again(client: httpx.Client) -> None:
    load_id = client.post("/full-bulk-insert").json()["load_id"]
    answer = client.get(f"/loads/{load_id}/rejects", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="hired_employees.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(csv_of(answer))))
    assert len(rows) == 70
    assert (rows[0]["rejected_row_number"], rows[0]["rejected_because"]) == ("2", "job_id is required")

    uncorrected = client.post("/full-bulk-insert/hired_employees", content=answer.content).json()
    assert counts(uncorrected) == (0, 0, 0, 70)
    again = client.get(f"/loads/{uncorrected['load_id']}/rejects", headers={"Accept": "text/csv"})
    for row in csv.DictReader(io.StringIO(csv_of(again))):
        assert set(row) == set(rows[0])

    corrected = correct(csv_of(again))
    assert counts(client.post("/full-bulk-insert/hired_employees", content=corrected).json()) == (70, 0, 0, 0)


def correct(text: str) -> bytes:
    source = csv.DictReader(io.StringIO(text))
    target = io.StringIO()
    writer = csv.DictWriter(target, source.fieldnames or [])
    writer.writeheader()
    for row in source:
        missing = row["rejected_because"].replace(" is required", "").split("; ")
        defaults = {"name": "Jo Doe", "datetime": "2021-01-01T00:00:00Z", "department_id": "1", "job_id": "1"}
        writer.writerow(row | {name: defaults[name] for name in missing})
    return target.getvalue().encode()


def test_load_goes_on_after_the_answer_and_tells_how_far_it_is(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stopped_at(RowsJudged, monkeypatch) as go_on:
        accepted = client.post("/full-bulk-insert", headers={"Prefer": "return=minimal, respond-async; wait=1"})
        assert (accepted.status_code, accepted.headers["preference-applied"]) == (202, "respond-async")
        location = accepted.headers["location"]
        assert location == f"/loads/{accepted.json()['load_id']}"
        assert client.get(location).json()["status"] == "running"
        with client.stream("GET", f"{location}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = read_events(stream.iter_lines())
            progress = next(data for name, data in events if data.get("rows_read"))
            assert (progress["rows_read"], progress["bytes_read"], progress["bytes_total"]) == (12, 182, 95360)
            assert (progress["phase"], progress["table"]) == ("reading", "departments")
            assert progress["seconds_left"] > 0
            time.sleep(0.3)
            go_on.set()
            *_, (name, receipt) = events
    assert (name, counts(receipt)) == ("receipt", (2124, 0, 0, 70))
    assert client.get(location).json()["status"] == "done"
    late = client.get(f"{location}/events")
    assert [name for name, _ in read_events(iter(late.text.splitlines()))] == ["receipt"]
    assert client.get(f"{location}/events", headers={"Last-Event-ID": "end"}).status_code == 204


def test_answer_waits_until_the_load_can_be_found(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with stopped_at(LoadStarted, monkeypatch) as go_on:
        later = Timer(0.2, go_on.set)
        later.start()
        accepted = client.post("/full-bulk-insert", headers={"Prefer": "respond-async"})
        later.join()
    assert client.get(accepted.headers["location"]).status_code == 200


def test_load_ends_though_the_client_has_gone(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with stopped_at(RowsJudged, monkeypatch) as go_on:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/full-bulk-insert", timeout=0.5)
        go_on.set()
        wait_until(lambda: [load["status"] for load in client.get("/loads").json()["items"]] == ["done"])
    assert counts(client.get("/loads").json()["items"][0]) == (2124, 0, 0, 70)


def test_load_of_another_process_is_followed_to_its_end_whatever_that_is(
    client: httpx.Client, new_service: Callable[..., Service], database_url: str
) -> None:
    other = new_service(url=database_url)
    hold = other.backend.hold("load-of-another")
    hold.__enter__()
    options = {"on_conflict": "reject", "all_or_nothing": False, "max_rejects": None, "dry_run": False, "encoding": "x"}
    with other.backend.transaction() as transaction:
        ledger.start_load(
            transaction.connection, "load-of-another", caller="me", dry_run=0, options=options, sources=[]
        )
    ended = Thread(target=lambda: hold.__exit__(None, None, None))
    with client.stream("GET", "/loads/load-of-another/events") as stream:
        assert client.get("/loads/load-of-another").json()["status"] == "running"
        ended.start()
        [(name, problem)] = read_events(stream.iter_lines())
    ended.join()
    assert (name, problem["code"], problem["status"]) == ("problem", "load.interrupted", 503)


@pytest.mark.parametrize("exclusive", [True, False])
def test_that_readers_may_wait_is_asked_for_and_kept(client: httpx.Client, *, exclusive: bool) -> None:
    asked = {"exclusive": "true"} if exclusive else {}
    receipt = client.post("/full-bulk-insert/jobs", content="1,Clerk", params=asked).json()
    assert client.get(f"/loads/{receipt['load_id']}").json()["options"]["exclusive"] is exclusive


@pytest.mark.parametrize(
    ("raw", "cells"),
    [
        ("1,Jo,2021-01-01T00:00:00Z,1", ["1", "Jo", "2021-01-01T00:00:00Z", "1", ""]),
        ("1,Jo,2021-01-01T00:00:00Z,1,2,3,4", ["1", "Jo", "2021-01-01T00:00:00Z", "1", "2,3,4"]),
        ('1,"Jo, ""the"" one",2021-01-01T00:00:00Z,,1', ["1", 'Jo, "the" one', "2021-01-01T00:00:00Z", "", "1"]),
        ('1,"Jo\nDoe",2021-01-01T00:00:00Z,,1', ["1", "Jo\nDoe", "2021-01-01T00:00:00Z", "", "1"]),
        ('1,Jo "the" one,2021-01-01T00:00:00Z,1,1', ["1", 'Jo "the" one', "2021-01-01T00:00:00Z", "1", "1"]),
        ('1,"Jo,2021-01-01T00:00:00Z,1,1', ["1", '"Jo', "2021-01-01T00:00:00Z", "1", "1"]),
        ('1,"J\ro" x,2021-01-01T00:00:00Z,1,"', ["1", "J\ro x", "2021-01-01T00:00:00Z", "1", ""]),
        ('1,J\ro"e,2021-01-01T00:00:00Z,1,1', ["1", 'J\ro"e', "2021-01-01T00:00:00Z", "1", "1"]),
        ("", ["", "", "", "", ""]),
    ],
)
def test_rejected_rows_come_back_cell_by_cell(client: httpx.Client, raw: str, cells: list[str]) -> None:
    load_id = client.post("/full-bulk-insert/hired_employees", content=f"9,,,,\n{raw}\n").json()["load_id"]
    answer = client.get(f"/loads/{load_id}/rejects", headers={"Accept": "text/csv, */*;q=0.1"})
    found = list(csv.reader(io.StringIO(csv_of(answer), newline="")))
    assert found[0][-3:] == ["rejected_row_number", "rejected_because", "empty_this_once_corrected"]
    assert (found[2][:5], found[2][5]) == (cells, "2")


def test_csv_of_one_table_names_the_others(database_url: str, tmp_path: Path) -> None:
    data, accept = tmp_path / "data", {"Accept": "text/csv"}
    data.mkdir()
    (data / "jobs.csv").write_text("1,\n")
    (data / "departments.csv").write_text("1,\n")
    with serve(database_url, data, tmp_path / "logs") as client:
        url = f"/loads/{client.post('/full-bulk-insert').json()['load_id']}/rejects"
        answer = client.get(url, headers=accept)
        assert csv_of(answer).startswith("id,department,")
        other = answer.links["alternate"]["url"]
        assert other.endswith(f"{url}?table=jobs")
        answer = client.get(other, headers=accept)
        assert csv_of(answer).startswith("id,job,")
        assert answer.links["alternate"]["url"].endswith(f"{url}?table=departments")


def test_csv_of_a_chosen_table_and_of_none(client: httpx.Client) -> None:
    load_id = client.post("/full-bulk-insert").json()["load_id"]
    nothing = client.get(f"/loads/{load_id}/rejects?table=jobs", headers={"Accept": "text/csv"})
    assert csv_of(nothing) == "id,job,rejected_row_number,rejected_because,empty_this_once_corrected\r\n"
    clean = client.post("/full-bulk-insert/jobs", content="900,Clerk").json()["load_id"]
    assert client.get(f"/loads/{clean}/rejects", headers={"Accept": "text/csv"}).text == nothing.text


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv, */*;q=0.1", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("image/png", None),
        ("text/csv;q=x", None),
        ("*/*;q=0", None),
    ],
)
def test_rejects_come_in_the_form_that_is_accepted(client: httpx.Client, accept: str, answered: str | None) -> None:
    load_id = client.post("/full-bulk-insert/jobs", content="900,Clerk").json()["load_id"]
    answer = client.get(f"/loads/{load_id}/rejects", headers={"Accept": accept})
    if answered is None:
        assert (answer.status_code, answer.json()["code"]) == (406, "request.not_acceptable")
        assert answer.json()["hint"] == "Accept one of application/json, text/csv."
    else:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(answered)
        assert answer.headers["vary"] == "Accept"


def test_without_a_word_on_forms_rejects_are_json(client: httpx.Client) -> None:
    load_id = client.post("/full-bulk-insert/jobs", content="900,Clerk").json()["load_id"]
    request = client.build_request("GET", f"/loads/{load_id}/rejects")
    del request.headers["accept"]
    assert client.send(request).json()["items"] == []


def test_many_rejects_come_in_one_file(client: httpx.Client) -> None:
    content = "".join(f"{number},\n" for number in range(2_500))
    load_id = client.post("/full-bulk-insert/jobs", content=content).json()["load_id"]
    lines = client.get(f"/loads/{load_id}/rejects", headers={"Accept": "text/csv"}).text.splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [str(number) for number in range(2_500)]


def test_loads_that_come_at_once_all_get_their_turn(client: httpx.Client) -> None:
    def load(number: int) -> int:
        answer = client.post("/full-bulk-insert/jobs", content=f"{number},Clerk", params={"on_conflict": "skip"})
        return int(answer.json()["inserted"])

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(load, range(12))) == [1] * 12
