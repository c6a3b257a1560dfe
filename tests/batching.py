"""How tests send batches through the operation, and make rows for them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loading import Tables
from rowferry.events import Observe
from rowferry.operations.batch_receipt import BatchClaim, BatchOptions, BatchReceipt, Once, Reply
from rowferry.operations.batch_transactions import batch_transactions

SOURCE = "batch.json"

Row = dict[str, Any]


@dataclass
class Batches:
    """Batches into the tables of a service."""

    tables: Tables
    observe: Observe | None = None

    def send(
        self, body: object, once: Once | None = None, caller: str = "test", **options: Any
    ) -> BatchReceipt | Reply:
        """Send a body: bytes as they are, anything else as JSON."""
        self.tables.events.clear()
        service = self.tables.service
        return batch_transactions(
            service.backend,
            service.catalog,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            BatchOptions(**options),
            self.observe or self.tables.events.append,
            BatchClaim.new(caller, SOURCE, once),
        )

    def put(self, body: object, **options: Any) -> BatchReceipt:
        """Send a body without a key."""
        receipt = self.send(body, **options)
        assert isinstance(receipt, BatchReceipt)
        rejected = len(receipt.rejected)
        counted = sum(sum(found.values()) for found in (receipt.inserted, receipt.updated, receipt.unchanged))
        assert receipt.status == "refused" or receipt.received == counted + rejected
        assert json.loads(receipt.as_json(), parse_int=str)["batch_id"] == receipt.batch_id
        return receipt


def codes(receipt: BatchReceipt) -> list[tuple[str, int, list[tuple[str | None, str]]]]:
    """Table, index and (column, code) of each rejected row."""
    return [(row.table, row.index, [(e["column"], str(e["code"])) for e in row.errors]) for row in receipt.rejected]


def department(number: int, name: str = "Sales") -> Row:
    return {"id": number, "department": name}


def job(number: object, name: str = "Clerk") -> Row:
    return {"id": number, "job": name}


def employee(number: int, **changes: Any) -> Row:
    row = {"id": number, "name": f"Name {number}", "datetime": "2021-07-01T10:00:00Z", "department_id": 1, "job_id": 1}
    return row | changes


def company(employees: Iterable[object]) -> dict[str, list[Any]]:
    """A batch with the parents of employees, children first."""
    return {"hired_employees": [*employees], "departments": [department(1)], "jobs": [job(1)]}
