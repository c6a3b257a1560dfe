"""Steps of the demo: post a batch with good and wrong rows, and repeat it because the reply got lost."""

import json
from typing import Any

from rowferry.cli.batch import show
from rowferry.cli.demo_steps.stage import AT_DATABASE, Stage, ignore
from rowferry.cli.options import caller
from rowferry.cli.output import say, table
from rowferry.operations.batch_receipt import BatchClaim, BatchOptions, BatchReceipt, Once, Reply
from rowferry.operations.batch_transactions import batch_transactions


def _employee(number: object, **changes: Any) -> dict[str, Any]:
    row = {"id": number, "name": "Ruth Achterberg", "datetime": "2022-12-31T08:00:00Z", "department_id": 13}
    return {**row, "job_id": 1, **changes}


_EMPLOYEES: tuple[tuple[dict[str, Any], str], ...] = (
    (_employee(2001), "good: its department is in the same batch"),
    (_employee("2002", datetime="2022-12-31 10:00+02:00"), "good: an integer may be sent as text"),
    (_employee(2003, job_id=None), "job_id is missing"),
    (_employee(2004, datetime="2022-12-31", job_id=1.0), "a date without a time, and 1.0 is not an integer"),
    (_employee(2001, name="Idris Quint"), "repeats a key of this batch"),
    (_employee(1, name="Idris Quint"), "its key is already in the table, with other values"),
    (_employee(2005, department_id=99), "there is no department 99"),
    (_employee(2006, salary=1200), "there is no column salary"),
)
"""Each row of the batch, and what is to be known about it."""

_BATCH = {
    "hired_employees": [row for row, _ in _EMPLOYEES],
    "departments": [{"id": 13, "department": "Night Ferries"}],
}

_ONCE = Once("demo", "demo", lambda receipt: Reply(207, "application/json", receipt.as_json()))


def post_batch(stage: Stage) -> None:
    """Post a batch: a new department and eight employees in one request, good and faulty rows together."""
    rows = [[at, json.dumps(row), why] for at, (row, why) in enumerate(_EMPLOYEES)]
    heads = [("index", True), ("row of hired_employees", False), ("what it is", False)]
    table("POST /batch-transactions with an Idempotency-Key", heads, rows, free=[name for name, _ in heads[1:]])
    receipt = _send(stage)
    assert isinstance(receipt, BatchReceipt)  # noqa: S101  # the key is new in a new database
    say("\nThe good rows were inserted, parents first; every other row is returned with all its faults (HTTP 207):\n")
    show(receipt, f" {AT_DATABASE}")
    stage.shown["batch"] = json.loads(receipt.as_json())
    stage.next_commands.append(
        (f"rowferry rejects {receipt.batch_id} {AT_DATABASE}", "the rejected rows of a batch are kept, too")
    )


def repeat_batch(stage: Stage) -> None:
    """If the reply gets lost, repeat the request with the same key: nothing happens twice."""
    reply = _send(stage)
    assert isinstance(reply, Reply)  # noqa: S101  # the key is known by now
    repeated = json.loads(reply.answer)
    say(f"Nothing was done, and the answer is the same as for {repeated['batch_id']} again, to the letter.")
    say("Rows and key are committed in one transaction, so repeating until there is an answer inserts each row once.")
    stage.shown["repeated_batch"] = repeated


def _send(stage: Stage) -> BatchReceipt | Reply:
    service, claim = stage.service, BatchClaim.new(caller(), "demo", _ONCE)
    return batch_transactions(
        service.backend, service.catalog, json.dumps(_BATCH).encode(), BatchOptions(), ignore, claim
    )
