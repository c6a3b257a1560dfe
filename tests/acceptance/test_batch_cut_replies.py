"""A client that loses the reply and repeats the request with its key gets every row in exactly once."""

import json
import os
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from api_server import serve

from batching import job
from loading import Tables

ROUTE = "/batch-transactions"
BATCHES = int(os.environ.get("ROWFERRY_TORTURE_BATCHES", "100"))
"""`make torture-batches` sends a thousand."""
ROWS = 5


@pytest.fixture
def client(tables: Tables, tmp_path: Path) -> Iterator[httpx.Client]:
    url = tables.service.backend.engine.url.render_as_string(hide_password=False)
    with serve(url, tmp_path, tmp_path / "logs") as client:
        yield client


def send_and_hang_up(client: httpx.Client, body: bytes, key: str, chance: random.Random) -> None:
    """Send a request, and close the connection in its middle, behind it, or in the middle of the answer."""
    head = f"POST {ROUTE} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body
    with socket.create_connection(("127.0.0.1", client.base_url.port or 80)) as connection:
        connection.sendall(request[: chance.choice([len(request) // 2, len(request), len(request)])])
        connection.settimeout(chance.choice([0.001, 0.01, 0.1]))
        try:
            connection.recv(20)
        except TimeoutError:
            return


def test_every_row_is_in_exactly_once(tables: Tables, client: httpx.Client) -> None:
    def insist(number: int) -> int:
        chance = random.Random(number)
        rows = [job(number * ROWS + at, f"Job {number} {at}") for at in range(ROWS)]
        body = json.dumps({"jobs": rows}).encode()
        for _ in range(chance.randrange(3)):
            send_and_hang_up(client, body, f"key-{number}", chance)
        while True:
            answer = client.post(ROUTE, content=body, headers={"Idempotency-Key": f"key-{number}"})
            if answer.status_code != 409:
                assert answer.status_code == 201, answer.text
                return int(answer.json()["inserted"]["jobs"])

    with ThreadPoolExecutor(8) as pool:
        inserted = list(pool.map(insist, range(BATCHES)))
    # Each answer says that the rows were inserted: those of a lost reply, too, as they were told the first time.
    assert inserted == BATCHES * [ROWS]
    assert [row[0] for row in tables.rows("jobs")] == list(range(BATCHES * ROWS))
    assert tables.count(tables.of_ledger("batches")) == BATCHES
