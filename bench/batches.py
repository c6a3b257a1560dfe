"""How long a batch takes by HTTP, next to the database driver alone; and how many rows a second clients put in."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median, quantiles

from bench.batch_server import Client, serve
from bench.contests import Contest, Findings, Listing, Outcome, Target
from bench.lab import Lab
from bench.raw_drivers import Insert, Row, open_postgresql, open_sqlite

ROWS = 1_000
CLIENTS = (1, 8, 32)

_MOST_TIMES = {"PostgreSQL": 1.5, "SQLite": 6}
_PAIRS = 40
_PAIRS_BEFORE = 5
_REQUESTS = {1: 1_500, ROWS: 120}
"""So many requests are sent for each number of clients, by the rows of each."""

_HEADINGS = ("rows a request", "clients", "rows a second", "median ms", "99th percentile ms")


def run(lab: Lab) -> Findings:
    """Measure batches of a thousand rows and of one into both databases."""
    findings = Findings([], [], [])
    for database, open_raw in (("PostgreSQL", open_postgresql), ("SQLite", open_sqlite)):
        _measure(lab, database, open_raw, findings)
    return findings


def _measure(lab: Lab, database: str, open_raw: Callable[[Lab], tuple[str, Insert]], findings: Findings) -> None:
    url, insert = open_raw(lab)
    rows = _Rows()
    with serve(url, lab.work_folder()) as port, closing(insert):
        contest = _compare(lab, database, Client(port), insert, rows)
        rates = [_rate(lab, port, rows, size, clients) for size in _REQUESTS for clients in CLIENTS]
    findings.contests.append(contest)
    name = f"1,000 rows by one request, to {insert.name}"
    ratio = contest.ratio(contest.outcomes[0].name, insert.name)
    findings.targets.append(Target.at_most(f"{name}, {database}", _MOST_TIMES[database], ratio))
    findings.listings.append(Listing(f"{database}, clients at once", _HEADINGS, rates))


class _Rows:
    """Good rows of hired_employees, each with a new key, the keys ascending."""

    def __init__(self) -> None:
        self._next = 1

    def take(self, number: int) -> list[Row]:
        first, self._next = self._next, self._next + number
        return [
            (key, f"Ottilie Fairweather {key}", "2021-11-07T02:48:42Z", key % 12 + 1, key % 180 + 1)
            for key in range(first, first + number)
        ]

    def body(self, number: int) -> bytes:
        names = ("id", "name", "datetime", "department_id", "job_id")
        rows = [dict(zip(names, row, strict=True)) for row in self.take(number)]
        return json.dumps({"hired_employees": rows}).encode()


def _compare(lab: Lab, database: str, client: Client, insert: Insert, rows: _Rows) -> Contest:
    """The request and the driver in turns, into the same table of the same database; new keys each time."""
    by_http = Outcome("POST /batch-transactions", ROWS, "POST /batch-transactions, over one connection kept open")
    raw = Outcome(insert.name, ROWS, insert.code)
    for turn in range(_PAIRS_BEFORE + _few(lab, _PAIRS)):
        body, driver_rows = rows.body(ROWS), rows.take(ROWS)
        posted, put = client.post(body), insert(driver_rows)
        if turn >= _PAIRS_BEFORE:
            by_http.seconds.append(posted)
            raw.seconds.append(put)
    client.close()
    return Contest(f"{database}, 1,000 rows of hired_employees in one transaction", [by_http, raw])


def _rate(lab: Lab, port: int, rows: _Rows, size: int, clients: int) -> tuple[str, ...]:
    """Some clients, each of which sends a request as soon as the one before is answered."""
    requests = max(_few(lab, _REQUESTS[size]), 2 * clients)
    bodies = [rows.body(size) for _ in range(requests)]
    with ThreadPoolExecutor(clients) as pool:
        started = time.perf_counter()
        found = [
            seconds for part in pool.map(_send_all, clients * [port], _shares(bodies, clients)) for seconds in part
        ]
        rate = size * requests / (time.perf_counter() - started)
    slow = quantiles(found, n=100)[-1]
    return str(size), str(clients), f"{rate:,.0f}", f"{median(found) * 1000:.1f}", f"{slow * 1000:.1f}"


def _send_all(port: int, bodies: list[bytes]) -> list[float]:
    client = Client(port)
    try:
        return [client.post(body) for body in bodies]
    finally:
        client.close()


def _shares(bodies: list[bytes], clients: int) -> Iterator[list[bytes]]:
    return (bodies[at::clients] for at in range(clients))


def _few(lab: Lab, number: int) -> int:
    """A tenth of it where there is but one round: that is to see whether all works."""
    return number if lab.repetitions > 1 else -(-number // 10)
