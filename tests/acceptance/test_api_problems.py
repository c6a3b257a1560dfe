"""Whatever goes wrong is answered as a problem that says what to do; and the API says what it is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from api_server import counts, read_events, serve

from rowferry.api import state
from rowferry.api.progress import _Tally
from rowferry.api.routers import tables
from rowferry.bootstrap import Service
from rowferry.errors import DatabaseUnavailable
from rowferry.events import Event, RowsJudged
from rowferry.settings import read_settings
from speaking import sql_of
from waiting import wait_until


@pytest.fixture
def client(database_url: str, globant: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    with serve(database_url, globant, tmp_path / "logs") as client:
        yield client


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[httpx.Client]:
    """A server for what needs no database of a certain kind; its DATA_DIR is missing."""
    with serve(f"sqlite:///{tmp_path}/idle.db", tmp_path / "nowhere", tmp_path / "logs") as client:
        yield client


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:rowferry:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/full-bulk-insert/employees", 404, "table.unknown"),
        ("POST", "/full-bulk-insert?max_rejects=some", 422, "option.invalid"),
        ("POST", "/full-bulk-insert?max_rejects=101%25", 422, "option.invalid"),
        ("POST", "/full-bulk-insert?encoding=klingon", 422, "option.invalid"),
        ("POST", "/full-bulk-insert?encoding=a%00b", 422, "option.invalid"),
        ("POST", "/full-bulk-insert?encoding=hex", 422, "option.invalid"),
        ("POST", "/full-bulk-insert?on_conflict=ignore", 422, "request.invalid"),
        ("POST", "/full-bulk-insert?dryrun=true", 422, "request.invalid"),
        ("POST", "/full-bulk-insert/jobs?dry_run=true&dry_run=false", 422, "request.invalid"),
        ("POST", "/full-bulk-insert/jobs?delimiter=;&delimiter=|", 422, "request.invalid"),
        ("GET", "/tables/jobs/rows?after=1&limit=1&limit=2", 422, "request.invalid"),
        ("GET", "/loads?limit=0", 422, "request.invalid"),
        ("GET", "/loads?before=%00", 422, "request.invalid"),
        ("GET", "/loads/nope", 404, "load.unknown"),
        ("GET", "/loads/%00", 404, "load.unknown"),
        ("GET", "/batches/%00", 404, "batch.unknown"),
        ("GET", "/batches?before=%00", 422, "request.invalid"),
        ("GET", "/restores/%00", 404, "restore.unknown"),
        ("GET", "/restores?before=%00", 422, "request.invalid"),
        ("GET", "/loads/nope/events", 404, "load.unknown"),
        ("GET", "/loads/nope/rejects", 404, "load.unknown"),
        ("GET", "/tables/employees", 404, "table.unknown"),
        ("GET", "/nothing", 404, "request.not_found"),
        ("DELETE", "/loads", 405, "request.method_not_allowed"),
    ],
)
def test_wrong_requests(idle: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    problem = assert_problem(idle.request(method, path), status, code)
    assert problem["hint"]


@pytest.mark.parametrize(
    "path",
    [
        "/loads?limits=1",
        "/loads/x?a=b",
        "/loads/x/rejects?Limit=1",
        "/loads/x/events?after=1",
        "/batches?after=1",
        "/backups?codec=null",
        "/restores?page=2",
        "/restores/x/rejects?table=jobs",
        "/tables?limit=1",
        "/tables/jobs/rows?before=1",
        "/reports/hires-by-quarter?years=2021",
    ],
)
def test_a_parameter_that_is_not_known_is_refused(idle: httpx.Client, path: str) -> None:
    answer = idle.get(path)
    assert_problem(answer, 422, "request.invalid")
    name = path.partition("?")[2].partition("=")[0]
    assert answer.json()["errors"][0]["location"] == f"query.{name}"


def test_every_parameter_that_is_documented_is_known(idle: httpx.Client) -> None:
    paths = idle.get("/openapi.json").json()["paths"]
    for path, item in paths.items():
        if "get" not in item:
            continue
        names = [parameter["name"] for parameter in item["get"].get("parameters", ()) if parameter["in"] == "query"]
        answer = idle.get(path.replace("{", "").replace("}", ""), params=dict.fromkeys(names, "1"))
        assert answer.status_code in (200, 404, 422), path
        if answer.status_code == 422:
            assert "extra_forbidden" not in answer.text


def test_whoever_asks_whether_it_is_alive_may_add_what_passes_caches(idle: httpx.Client) -> None:
    assert idle.get("/livez?at=1").status_code == 200


def test_validation_names_each_fault(idle: httpx.Client) -> None:
    problem = idle.post("/full-bulk-insert?on_conflict=ignore&all_or_nothing=perhaps").json()
    assert [error["location"] for error in problem["errors"]] == ["query.on_conflict", "query.all_or_nothing"]


def test_missing_data_dir(idle: httpx.Client) -> None:
    for headers in ({}, {"Prefer": "respond-async"}):
        assert_problem(idle.post("/full-bulk-insert", headers=headers), 422, "path.missing")


def test_unknown_table_is_answered_though_the_upload_is_large(idle: httpx.Client) -> None:
    assert_problem(idle.post("/full-bulk-insert/employees", content=bytes(6_000_000)), 404, "table.unknown")


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: object) -> None:
        raise error

    return fail


def test_unexpected_errors_keep_their_trace_to_themselves(idle: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "describe", raising(ZeroDivisionError("secret")))
    answer = idle.get("/tables")
    assert_problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_too_few_connections_are_told_as_such(idle: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "describe", raising(sa.exc.TimeoutError()))
    assert_problem(idle.get("/tables"), 503, "database.busy")


def test_load_that_breaks_down_is_interrupted(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    observe = _Tally.observe

    def break_down(tally: _Tally, event: Event) -> None:
        observe(tally, event)
        if isinstance(event, RowsJudged):
            raise ZeroDivisionError("secret")

    monkeypatch.setattr(_Tally, "observe", break_down)
    assert_problem(client.post("/full-bulk-insert"), 500, "internal")
    monkeypatch.undo()
    [load] = client.get("/loads").json()["items"]
    [(name, _)] = read_events(iter(client.get(f"/loads/{load['load_id']}/events").text.splitlines()))
    assert name == "problem"
    assert counts(client.post("/full-bulk-insert").json()) == (2124, 0, 0, 70)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "jobs.csv").symlink_to(tmp_path / "nowhere")
    with serve(f"sqlite:///{tmp_path}/a.db", tmp_path, tmp_path / "logs") as client:
        problem = assert_problem(client.post("/full-bulk-insert"), 422, "source.unreadable")
        assert str(problem["detail"]).startswith("Cannot read jobs.csv")


def test_load_that_cannot_begin_is_no_load(tmp_path: Path, globant: Path) -> None:
    (tmp_path / "logs").touch()
    with serve(f"sqlite:///{tmp_path}/a.db", globant, tmp_path / "logs") as client:
        for headers in ({}, {"Prefer": "respond-async"}):
            assert_problem(client.post("/full-bulk-insert", headers=headers), 500, "setting.invalid")
        assert client.get("/loads").json()["items"] == []


def test_events_outlast_a_database_that_is_away(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    load_id = client.post("/full-bulk-insert").json()["load_id"]
    reading, away = state.reading, [True]

    def fail_once(service: Service) -> Any:
        if away:
            away.pop()
            raise DatabaseUnavailable(reason="it has gone for lunch")
        return reading(service)

    monkeypatch.setattr("rowferry.api.load_events.reading", fail_once)
    events = read_events(iter(client.get(f"/loads/{load_id}/events").text.splitlines()))
    assert [name for name, _ in events] == ["receipt"]


def test_tables_that_vanish_are_missed_and_made_again(client: httpx.Client, database_url: str) -> None:
    assert client.get("/readyz").status_code == 200
    engine = Service(read_settings(database_url)).backend.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE hired_employees")
    engine.dispose()
    assert_problem(client.get("/readyz"), 503, "schema.differs")
    assert client.get("/readyz").status_code == 200


def test_database_that_is_away_at_start_is_used_once_it_is_there(tmp_path: Path, globant: Path) -> None:
    folder = tmp_path / "later"
    with serve(f"sqlite:///{folder}/a.db", globant, tmp_path / "logs") as client:
        assert client.get("/livez").json() == {"status": "alive"}
        assert client.get("/tables/jobs").status_code == 200
        for answer in (client.get("/readyz"), client.get("/loads"), client.post("/full-bulk-insert")):
            assert_problem(answer, 503, "database.unavailable")
            assert int(answer.headers["retry-after"]) > 0
        folder.mkdir()
        wait_until(lambda: client.get("/readyz").status_code != 503)
        assert counts(client.post("/full-bulk-insert").json()) == (2124, 0, 0, 70)


def test_server_that_refuses_connections_is_told_as_such(tmp_path: Path, globant: Path) -> None:
    with serve("postgresql://someone:hidden@127.0.0.1:1/x", globant, tmp_path / "logs") as client:
        answer = client.get("/readyz")
        assert_problem(answer, 503, "database.unavailable")
        assert "hidden" not in answer.text


def test_ready(client: httpx.Client) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}


def test_tables_and_their_rules(idle: httpx.Client) -> None:
    found = idle.get("/tables").json()
    assert [table["name"] for table in found["items"]] == ["departments", "jobs", "hired_employees"]
    table = idle.get("/tables/hired_employees").json()
    assert table == found["items"][2]
    columns = {column["name"]: column for column in table["columns"]}
    assert table["key"] == ["id"]
    assert columns["job_id"]["references"] == {"table": "jobs", "column": "id"}
    assert (columns["name"]["max_length"], columns["name"]["required"]) == (255, True)


def test_documentation_has_examples_and_problems(idle: httpx.Client) -> None:
    assert "swagger" in idle.get("/docs").text
    document = idle.get("/openapi.json").json()
    assert idle.get("/openapi.json").json() == document
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {"full_bulk_insert", "list_loads", "list_rejects"} <= {operation["operationId"] for operation in operations}
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        for status, answer in operation["responses"].items():
            assert status < "400" or list(answer["content"]) == ["application/problem+json"]
    schemas = document["components"]["schemas"]
    assert schemas["ReceiptAnswer"]["examples"][0]["inserted"] == 2124
    assert schemas["Problem"]["examples"][0]["code"] == "table.unknown"
    assert "HTTPValidationError" not in schemas


def test_what_the_rules_of_a_database_refuse_is_no_failure_of_the_service(
    client: httpx.Client, database_url: str
) -> None:
    assert client.post("/full-bulk-insert/jobs", content="1,Clerk\n2,Cook\n").json()["inserted"] == 2
    assert client.post("/backup-table/jobs").status_code == 201
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        refuse = sql_of(engine).refusing("acts", "BEFORE INSERT", "jobs", "new.id > 1000", "too far")
        shout = sql_of(engine).changing("shouts", "INSERT", "jobs", "job", "upper(job)")
        for statement in [*refuse, *shout, "DELETE FROM jobs WHERE id = 2"]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    content = "".join(f"{number},Stoker\n" for number in range(1001, 2002))
    refused = client.post("/full-bulk-insert/jobs", content=content)
    assert_problem(refused, 422, "database.too_many_refused")
    assert_problem(client.post("/restore-table/jobs"), 409, "restore.altered")
    assert client.get("/tables/jobs/rows").json()["items"] == [{"id": 1, "job": "Clerk"}]
