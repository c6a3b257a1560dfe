"""A client that openapi-python-client makes of the OpenAPI document, used against the service."""

import importlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import serve

from batching import job

GENERATOR = str(Path(sys.executable).with_name("openapi-python-client"))

Operation = Callable[..., Any]


@pytest.fixture
def server(tmp_path: Path, globant: Path) -> Iterator[httpx.Client]:
    with serve(f"sqlite:///{tmp_path}/client.db", globant, tmp_path / "logs") as client:
        yield client


@pytest.fixture
def generated(server: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Imports a module of the client that was made."""
    document = tmp_path / "openapi.json"
    document.write_text(server.get("/openapi.json").text)
    made = ["generate", "--path", str(document), "--output-path", str(tmp_path / "rowferry_client"), "--meta", "none"]
    subprocess.run([GENERATOR, *made], check=True, capture_output=True, timeout=60)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield lambda name: importlib.import_module(f"rowferry_client.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "rowferry_client"]:
        del sys.modules[name]


def test_every_operation_is_there_and_can_be_used(server: httpx.Client, generated: Callable[[str], Any]) -> None:
    client = generated("client").Client(base_url=str(server.base_url).rstrip("/"))
    models, types = generated("models"), generated("types")

    def operation(tag: str, name: str) -> Operation:
        found: Operation = generated(f"api.{tag}.{name}").sync
        return found

    for item in server.get("/openapi.json").json()["paths"].values():
        for operation_object in item.values():
            assert (
                operation(operation_object["tags"][0], operation_object["operationId"])
                if operation_object["operationId"] != "download_backup"
                else True
            )
    loaded = operation("load", "full_bulk_insert")(client=client)
    assert (loaded.inserted, loaded.rejected) == (2124, 70)
    accepted = operation("load", "full_bulk_insert")(client=client, prefer="respond-async")
    assert isinstance(accepted, models.LoadAccepted)
    load = operation("load", "full_bulk_insert_table")
    assert load("jobs", client=client, body=types.File(io.BytesIO(b"501,Stoker\n"))).inserted == 1
    form = models.FullBulkInsertTableFilesBody(types.File(io.BytesIO(b"502,Cook\n"), "jobs.csv", "text/csv"))
    assert load("jobs", client=client, body=form, dry_run=True).inserted == 1
    batch = models.BatchTransaction.from_dict({"jobs": [job(503)]})
    put = operation("batches", "batch_transactions")
    assert put(client=client, body=batch, idempotency_key="k").to_dict()["inserted"] == {"jobs": 1}
    report = operation("reports", "hires_by_quarter")(client=client, year="2021")
    assert json.loads(json.dumps(report.to_dict()))["year"] == 2021


def test_it_is_only_asked_for_simple_values(server: httpx.Client) -> None:
    """Generators have no way to write an array or an object into a header, and leave the operation out."""
    for path, item in server.get("/openapi.json").json()["paths"].items():
        for method, operation_object in item.items():
            for parameter in operation_object.get("parameters", ()):
                schema = parameter["schema"]
                kinds = {found.get("type") for found in schema.get("anyOf", [schema])}
                assert parameter["in"] == "query" or not kinds & {"array", "object"}, (method, path, parameter["name"])
