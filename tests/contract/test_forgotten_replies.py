"""Replies to idempotent batches are kept for as long as a service really ran, whatever clocks say meanwhile."""

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from api_server import serve
from hypothesis import given, strategies as st

from batching import Batches, job
from loading import Tables
from made_up import made_up
from rowferry import ledger
from rowferry.api import forgetting
from rowferry.bootstrap import Service
from rowferry.errors import IdempotencyKeyReused
from rowferry.ledger.witnessed import LONGEST_GAP_SECONDS, WitnessedTime
from rowferry.operations import forget_replies as operation
from rowferry.operations.batch_receipt import BatchReceipt, Once, Reply
from rowferry.operations.forget_replies import forget_replies
from waiting import wait_until

JUMPS = [
    dt.timedelta(days=1, seconds=1),
    dt.timedelta(days=3650),
    dt.timedelta(days=-1),
    dt.timedelta(),
    dt.timedelta(days=-3650),
    dt.timedelta(hours=25),
]

ONCE = Once("key", "route", lambda receipt: Reply(201, "application/json", receipt.as_json()))


class Clock:
    """A monotonic clock that is moved by hand."""

    def __init__(self, at: float = 0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def batches(tables: Tables) -> Batches:
    return Batches(tables)


def other_key(number: int) -> Once:
    return Once(f"other-{number}", "route", ONCE.reply)


def kept(service: Service) -> int:
    with service.backend.engine.connect() as connection:
        return (
            connection.scalar(
                sa.select(sa.func.count()).select_from(ledger.here(connection, ledger.idempotent_replies))
            )
            or 0
        )


@pytest.mark.parametrize("first", JUMPS)
def test_no_jump_of_a_clock_lets_a_batch_run_again(
    batches: Batches, monkeypatch: pytest.MonkeyPatch, first: dt.timedelta
) -> None:
    """Whatever the clock said at the first try, at the retry, and at batches of others in between; also backwards."""
    now, clock = ledger.now, Clock()
    witnessed = WitnessedTime(clock)
    service = batches.tables.service
    monkeypatch.setattr(ledger, "now", lambda: now() + first)
    done = batches.send({"jobs": [job(1, "Old")]}, ONCE, on_conflict="update")
    assert isinstance(done, BatchReceipt)
    batches.put({"jobs": [job(1, "New")]}, on_conflict="update")
    for number, jump in enumerate(JUMPS):
        monkeypatch.setattr(ledger, "now", lambda jump=jump: now() + jump)
        clock.at += jump.total_seconds()  # which a clock that only runs forward should not do; nor may it matter
        forget_replies(service.backend, witnessed)
        assert isinstance(batches.send({"jobs": [job(2, f"Other {number}")]}, other_key(number)), BatchReceipt)
        again = batches.send({"jobs": [job(1, "Old")]}, ONCE, on_conflict="update")
        assert again == Reply(201, "application/json", done.as_json())
        with pytest.raises(IdempotencyKeyReused):
            batches.send({"jobs": [job(1, "Older")]}, ONCE, on_conflict="update")
    assert batches.tables.rows("jobs")[0] == (1, "New")
    assert kept(service) == 1 + len(JUMPS)


LOOKS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, LONGEST_GAP_SECONDS * 2),
        st.sampled_from([0, 0, 0, 0, 10**9, -(10**9), 86_400]),
    ),
    min_size=1,
    max_size=20,
)


@given(looks=LOOKS)
@made_up(8)
def test_workers_with_clocks_of_their_own_never_count_more_than_has_passed(
    service: Service, looks: list[tuple[int, int, int]]
) -> None:
    """Each look: which worker, after how many real seconds, and by how much its own clock has jumped before."""
    clocks = [Clock(10.0**power) for power in range(4)]
    workers = [WitnessedTime(clock) for clock in clocks]
    passed, began = 0, witnessed_now(service)
    for who, seconds, jump in looks:
        passed += seconds
        for clock in clocks:
            clock.at += seconds
        clocks[who].at += jump
        with service.backend.short_transaction() as transaction:
            workers[who].look(transaction.connection, note=True)
        assert witnessed_now(service) - began <= passed
    for clock in clocks:
        clock.at += 60
    with service.backend.short_transaction() as transaction:
        before = witnessed_now(service)
        workers[looks[-1][0]].look(transaction.connection, note=True)
    assert witnessed_now(service) >= before + 60 - 1, "and it goes on"


def witnessed_now(service: Service) -> int:
    with service.backend.engine.connect() as connection:
        return connection.scalar(sa.select(ledger.here(connection, ledger.witnessed_time).c.seconds)) or 0


def test_what_was_kept_long_enough_is_forgotten_in_steps(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "KEPT_SECONDS", 8 * LONGEST_GAP_SECONDS)
    monkeypatch.setattr(operation, "_STEP", 2)
    monkeypatch.setattr(operation, "_STEPS", 2)
    backend, clock = batches.tables.service.backend, Clock()
    workers = [WitnessedTime(clock), WitnessedTime(clock)]
    for number in range(5):
        batches.send({"jobs": [job(number)]}, other_key(number))
    while clock.at < 8 * LONGEST_GAP_SECONDS:
        assert [forget_replies(backend, worker) for worker in workers] == [0, 0]
        clock.at += LONGEST_GAP_SECONDS
    batches.send({"jobs": [job(9)]}, ONCE)
    assert [forget_replies(backend, workers[0]) for _ in range(3)] == [4, 1, 0]
    assert kept(batches.tables.service) == 1, "the new one stays"
    assert isinstance(batches.send({"jobs": [job(9)]}, ONCE), Reply)
    assert isinstance(batches.send({"jobs": [job(1)]}, other_key(1)), BatchReceipt), "its key is free again"


def test_a_ledger_without_replies_is_only_read(service: Service) -> None:
    statements: list[str] = []
    sa.event.listen(service.backend.engine, "before_cursor_execute", lambda *told: statements.append(told[2].upper()))
    clock = Clock()
    witnessed = WitnessedTime(clock)
    for _ in range(3):
        forget_replies(service.backend, witnessed)
        clock.at += 60
    assert not [statement for statement in statements if statement.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_service_that_runs_forgets_by_and_by(
    new_service: Callable[..., Service], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "KEPT_SECONDS", 1)
    monkeypatch.setattr(forgetting, "LOOK_SECONDS", 0.4)
    ticks = itertools.count(step=2)
    monkeypatch.setattr(WitnessedTime.__init__, "__defaults__", (lambda: next(ticks),))
    service = new_service(url=database_url)
    with serve(database_url, tmp_path, tmp_path / "logs") as client:
        client.get("/readyz")
        answer = client.post("/batch-transactions", json={"jobs": [job(1)]}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201
        wait_until(lambda: kept(service) == 0)
