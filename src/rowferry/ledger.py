"""The service's own tables: what was loaded, and what was rejected and why. They live beside the served ones."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

loads = Table(
    "loads",
    metadata,
    Column("load_id", String(64), primary_key=True),
    Column("status", String(16), nullable=False, index=True, doc="running, done, failed or interrupted"),
    Column("dry_run", Integer, nullable=False),
    Column("caller", String(255), nullable=False, doc="who asked for it"),
    Column("started_at", DateTime(timezone=True), nullable=False, index=True),
    Column("finished_at", DateTime(timezone=True)),
    Column("options", JSON, nullable=False),
    Column("sources", JSON, nullable=False, doc="of each file: table, path, bytes and SHA-256"),
    Column("tables", JSON, nullable=False, doc="of each file: its counts"),
    Column("rows_read", BigInteger, nullable=False, default=0),
    Column("inserted", BigInteger, nullable=False, default=0),
    Column("updated", BigInteger, nullable=False, default=0),
    Column("unchanged", BigInteger, nullable=False, default=0),
    Column("rejected", BigInteger, nullable=False, default=0),
    Column("error", JSON, doc="why it failed: code, message and hint"),
)

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("load_id", String(64), ForeignKey(loads.c.load_id), primary_key=True),
    Column("reject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("table", String(255), nullable=False),
    Column("source", Text, nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("raw", Text, nullable=False),
    Column("errors", Text, nullable=False, doc="the faults of the row, as JSON"),
)

COUNTS = ("rows_read", "inserted", "updated", "unchanged", "rejected")

_CHUNK = 2_000

_REJECTS = pa.schema(
    [pa.field(c.name, pa.int64() if isinstance(c.type, BigInteger) else pa.string()) for c in rejected_rows.columns]
)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def start_load(connection: Connection, load_id: str, **values: Any) -> None:
    """Note that a load runs."""
    row = {"load_id": load_id, "status": "running", "started_at": now(), "tables": [], **values}
    connection.execute(insert(loads).values(row))


def finish_load(connection: Connection, load_id: str, **values: Any) -> None:
    """Note how a load ended."""
    connection.execute(update(loads).where(loads.c.load_id == load_id).values(finished_at=now(), **values))


def interrupt_load(connection: Connection, load_id: str) -> None:
    """Note that the process of a load ended before the load did, unless it has ended by now."""
    told = {
        "code": "load.interrupted",
        "message": "The process that ran the load has ended",
        "hint": "Nothing was inserted. Load again.",
    }
    left = update(loads).where(loads.c.load_id == load_id, loads.c.status == "running")
    connection.execute(left.values(status="interrupted", finished_at=now(), error=told))


def running_loads(connection: Connection) -> list[str]:
    return list(connection.scalars(select(loads.c.load_id).where(loads.c.status == "running")))


Append = Callable[[Table, pa.RecordBatch], None]
"""Puts rows into a table of the ledger, within a transaction."""


def keep_rejects(append: Append, load_id: str, rejects: Iterable[dict[str, Any]]) -> int:
    """Keep rejected rows, numbered from 1 in the order given; how many they were."""
    kept = 0
    rows = iter(rejects)
    while chunk := list(islice(rows, _CHUNK)):
        numbered = [
            {**row, "load_id": load_id, "reject_id": kept + at, "errors": json.dumps(row["errors"])}
            for at, row in enumerate(chunk, 1)
        ]
        append(rejected_rows, pa.RecordBatch.from_pylist(numbered, schema=_REJECTS))
        kept += len(chunk)
    return kept


def find_load(connection: Connection, load_id: str) -> dict[str, Any] | None:
    row = connection.execute(select(loads).where(loads.c.load_id == load_id)).mappings().first()
    return _shown(row) if row else None


def list_loads(connection: Connection, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """The newest loads first; `before` is the id of the last load of the page before."""
    query = select(loads).order_by(loads.c.load_id.desc()).limit(limit)
    if before:
        query = query.where(loads.c.load_id < before)
    return [_shown(row) for row in connection.execute(query).mappings()]


def count_rejects(connection: Connection, load_id: str) -> int:
    query = select(func.count()).select_from(rejected_rows).where(rejected_rows.c.load_id == load_id)
    return connection.execute(query).scalar_one()


def find_rejects(
    connection: Connection, load_id: str, *, after: int = 0, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Rejected rows of a load in order, behind the one numbered `after`; streamed."""
    chosen = rejected_rows.c
    query = (
        select(
            chosen.reject_id, chosen.load_id, chosen.table, chosen.source, chosen.row_number, chosen.raw, chosen.errors
        )
        .where(chosen.load_id == load_id, chosen.reject_id > after)
        .order_by(chosen.reject_id)
        .limit(limit)
    )
    for row in connection.execution_options(stream_results=True, yield_per=_CHUNK).execute(query).mappings():
        yield {**row, "errors": json.loads(row["errors"])}


def _shown(row: Any) -> dict[str, Any]:
    shown = dict(row)
    for name in ("started_at", "finished_at"):
        if shown[name] is not None:
            shown[name] = shown[name].replace(tzinfo=shown[name].tzinfo or dt.UTC).isoformat()
    shown["dry_run"] = bool(shown["dry_run"])
    return shown
