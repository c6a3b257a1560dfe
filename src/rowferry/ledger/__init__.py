"""The service's own tables: what was loaded, and what was rejected and why. They have a place of their own."""

import datetime as dt
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    RowMapping,
    Table,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
    update,
)

from rowferry.arrow.arrays import as_arrow
from rowferry.ledger.replies import (
    find_replies as find_replies,
    forget_replies as forget_replies,
    has_replies as has_replies,
    keep_reply as keep_reply,
)
from rowferry.ledger.tables import (
    all_here as all_here,
    backups as backups,
    batches as batches,
    here as here,
    idempotent_replies as idempotent_replies,
    loads as loads,
    metadata as metadata,
    place_of as place_of,
    rejected_rows as rejected_rows,
    restores as restores,
    verifications as verifications,
    versions as versions,
    witnessed_time as witnessed_time,
)
from rowferry.ledger.witnessed import LONGEST_GAP_SECONDS as LONGEST_GAP_SECONDS, WitnessedTime as WitnessedTime

_INTERRUPTIBLE = {
    "load": (loads, "Nothing was inserted. Load again."),
    "restore": (restores, "Nothing was changed. Restore again."),
}
"""What takes a while: its table, and what to do where its process has ended."""

COUNTS = ("rows_read", "inserted", "updated", "unchanged", "rejected")

RESTORE_COUNTS = ("added", "changed", "removed", "unchanged", "rejected")

_CHUNK = 2_000

_REJECTS = pa.schema(
    [pa.field(c.name, pa.int64() if isinstance(c.type, BigInteger) else pa.string()) for c in rejected_rows.columns]
)

REJECTS_OF_A_TABLE = pa.schema([_REJECTS.field(name) for name in ("source", "row_number", "raw", "errors")])
"""What is kept of a rejected row, besides what all rows of its batch have in common."""


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def start_load(connection: Connection, load_id: str, **values: Any) -> None:
    """Note that a load runs."""
    row = {"load_id": load_id, "status": "running", "started_at": now(), "tables": [], **values}
    connection.execute(insert(here(connection, loads)).values(row))


def note_progress(connection: Connection, load_id: str, progress: dict[str, Any]) -> None:
    """Note how far a load has come that runs, for those who ask another process."""
    table = here(connection, loads)
    left = update(table).where(table.c.load_id == load_id, table.c.status == "running")
    connection.execute(left.values(progress=progress))


def find_progress(connection: Connection, load_id: str) -> dict[str, Any] | None:
    """How far a load had come that runs, if that was noted."""
    chosen = here(connection, loads).c
    query = select(chosen.progress).where(chosen.load_id == load_id, chosen.status == "running")
    found: dict[str, Any] | None = connection.scalar(query)
    return found


def finish_load(connection: Connection, load_id: str, **values: Any) -> None:
    """Note how a load ended."""
    _finish(connection, here(connection, loads), load_id, values)


def load_is_done(connection: Connection, load_id: str) -> bool:
    """Whether a load has committed; waits for one that is about to."""
    return _status(connection, here(connection, loads), load_id) == "done"


def running(connection: Connection) -> list[tuple[str, str]]:
    """What runs, as far as is known: `load` or `restore`, and its id."""
    tables = ((kind, here(connection, table)) for kind, (table, _) in _INTERRUPTIBLE.items())
    each = (select(literal(kind), _id(table)).where(table.c.status == "running") for kind, table in tables)
    return [(kind, id_) for kind, id_ in connection.execute(union_all(*each))]


def interrupt(connection: Connection, kind: str, id_: str) -> None:
    """Note that the process of a load or restore ended before it did, unless it has ended by now."""
    declared, hint = _INTERRUPTIBLE[kind]
    table = here(connection, declared)
    error = {"code": f"{kind}.interrupted", "message": f"The process that ran the {kind} has ended", "hint": hint}
    left = update(table).where(_id(table) == id_, table.c.status == "running")
    connection.execute(left.values(status="interrupted", finished_at=now(), error=error))


class Appending(Protocol):
    """A transaction that puts rows into a table of the ledger."""

    connection: Connection

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        """Insert rows as they are, whose keys are known to be new."""


def keep_rejects(transaction: Appending, load_id: str, rejects: Iterable[tuple[str, pa.RecordBatch]]) -> int:
    """Keep rejected rows, numbered from 1 in the order given; how many they were.

    Each batch has those of one table, as REJECTS_OF_A_TABLE; `errors` are the faults as JSON.
    """
    kept, into = 0, here(transaction.connection, rejected_rows)
    for table, batch in rejects:
        rows = batch.num_rows
        head = [pa.repeat(pa.scalar(load_id, pa.string()), rows), as_arrow(np.arange(kept + 1, kept + rows + 1))]
        columns = [*head, pa.repeat(pa.scalar(table, pa.string()), rows), *batch.columns]
        transaction.append(into, pa.RecordBatch.from_arrays(columns, schema=_REJECTS))
        kept += rows
    return kept


def find_load(connection: Connection, load_id: str) -> dict[str, Any] | None:
    row = _find(connection, here(connection, loads), load_id)
    return _shown(row) if row else None


def list_loads(connection: Connection, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """The newest loads first; `before` is the id of the last load of the page before."""
    return [_shown(row) for row in _newest(connection, here(connection, loads), limit, before)]


def tables_with_rejects(connection: Connection, load_id: str) -> list[str]:
    """The tables of which a load rejected rows, in the order in which it loaded them."""
    chosen = here(connection, rejected_rows).c
    query = select(chosen.table).where(chosen.load_id == load_id).group_by(chosen.table)
    return list(connection.scalars(query.order_by(func.min(chosen.reject_id))))


def find_rejects(
    connection: Connection, load_id: str, *, table: str | None = None, after: int = 0, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Rejected rows of a load in order, behind the one numbered `after`; streamed."""
    chosen = here(connection, rejected_rows).c
    query = (
        select(
            chosen.reject_id, chosen.load_id, chosen.table, chosen.source, chosen.row_number, chosen.raw, chosen.errors
        )
        .where(chosen.load_id == load_id, chosen.reject_id > after)
        .order_by(chosen.reject_id)
        .limit(limit)
    )
    if table is not None:
        query = query.where(chosen.table == table)
    for row in connection.execution_options(stream_results=True, yield_per=_CHUNK).execute(query).mappings():
        yield {**row, "errors": json.loads(row["errors"])}


def note_batch(connection: Connection, batch_id: str, **values: Any) -> None:
    """Note what became of a batch."""
    connection.execute(insert(here(connection, batches)), {"batch_id": batch_id, "finished_at": now(), **values})


def find_batch(connection: Connection, batch_id: str) -> dict[str, Any] | None:
    row = _find(connection, here(connection, batches), batch_id)
    return _with_zones(row) if row else None


def list_batches(connection: Connection, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """The newest batches first; `before` is the id of the last batch of the page before."""
    return [_with_zones(row) for row in _newest(connection, here(connection, batches), limit, before)]


def note_backup(connection: Connection, caller: str, manifest: Mapping[str, Any]) -> None:
    """Note that a backup was written."""
    values = {column.name: manifest[column.name] for column in backups.columns if column.name != "caller"}
    connection.execute(insert(here(connection, backups)), {"caller": caller, **values})


def find_backup(connection: Connection, backup_id: str) -> dict[str, Any] | None:
    """What is known of a backup that was written from this database."""
    row = _find(connection, here(connection, backups), backup_id)
    return dict(row) if row else None


def count_backups(connection: Connection) -> int:
    """How many backups were ever written from this database, those included that were removed since."""
    return connection.scalar(select(func.count()).select_from(here(connection, backups))) or 0


def tables_backed_up(connection: Connection) -> list[str]:
    """The tables of which a backup was ever written from this database."""
    table = here(connection, backups).c.table
    return list(connection.scalars(select(table).distinct().order_by(table)))


def backup_ids(connection: Connection) -> list[str]:
    """The ids of all backups that were ever written from this database, the first one first."""
    chosen = here(connection, backups).c
    return list(connection.scalars(select(chosen.backup_id).order_by(chosen.created_at, chosen.backup_id)))


def has_backup_of(connection: Connection, backup_ids: Collection[str]) -> bool:
    """Whether one of these was ever written from this database."""
    return bool(connection.scalar(select(exists().where(here(connection, backups).c.backup_id.in_(backup_ids)))))


def note_verification(connection: Connection, backup_id: str, caller: str, damage: str | None) -> str:
    """Note how a backup was found; gives the time of it."""
    at = now()
    verification_id = f"verification-{at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
    values = {"verification_id": verification_id, "backup_id": backup_id, "caller": caller, "damage": damage}
    connection.execute(insert(here(connection, verifications)), {**values, "verified_at": at})
    return at.isoformat()


def last_verifications(connection: Connection, backup_id: str | None = None) -> dict[str, dict[str, Any]]:
    """Of each backup that was ever verified, or of one, how it was found last: `verified_at` and `damage`."""
    table = here(connection, verifications)
    last = select(func.max(table.c.verification_id)).group_by(table.c.backup_id)
    if backup_id is not None:
        last = last.where(table.c.backup_id == backup_id)
    found = connection.execute(select(table).where(table.c.verification_id.in_(last))).mappings()
    return {
        row["backup_id"]: {"verified_at": _with_zones(row)["verified_at"], "damage": row["damage"]} for row in found
    }


def start_restore(connection: Connection, restore_id: str, **values: Any) -> None:
    """Note that a restore runs."""
    row = {"restore_id": restore_id, "status": "running", "started_at": now(), "obstacles": [], **values}
    connection.execute(insert(here(connection, restores)).values(row))


def finish_restore(connection: Connection, restore_id: str, **values: Any) -> None:
    """Note how a restore ended."""
    _finish(connection, here(connection, restores), restore_id, values)


def restore_is_done(connection: Connection, restore_id: str) -> bool:
    """Whether a restore has committed, or its refusal has; waits for one that is about to."""
    return _status(connection, here(connection, restores), restore_id) in {"done", "refused"}


def find_restore(connection: Connection, restore_id: str) -> dict[str, Any] | None:
    row = _find(connection, here(connection, restores), restore_id)
    return _with_zones(row) if row else None


def list_restores(connection: Connection, limit: int, before: str | None = None) -> list[dict[str, Any]]:
    """The newest restores first; `before` is the id of the last restore of the page before."""
    return [_with_zones(row) for row in _newest(connection, here(connection, restores), limit, before)]


def _with_zones(row: Any) -> dict[str, Any]:
    """A row with its instants in UTC, whose zone SQLite does not keep."""
    shown = dict(row)
    for name in {"started_at", "finished_at", "verified_at"} & shown.keys():
        if shown[name] is not None:
            shown[name] = shown[name].replace(tzinfo=shown[name].tzinfo or dt.UTC).isoformat()
    return shown


def _shown(row: Any) -> dict[str, Any]:
    shown = _with_zones(row)
    shown["dry_run"] = bool(shown["dry_run"])
    shown["passed_over"] = shown["passed_over"] or []
    del shown["progress"]
    return shown


def _id(table: Table) -> Column[str]:
    """The column that names the rows of a table: ids sort by time."""
    (column,) = table.primary_key.columns
    return column


def _find(connection: Connection, table: Table, id_: str) -> RowMapping | None:
    if not id_.isprintable():  # no database takes every letter, and no id has such
        return None
    return connection.execute(select(table).where(_id(table) == id_)).mappings().first()


def _newest(connection: Connection, table: Table, limit: int, before: str | None) -> Iterable[RowMapping]:
    query = select(table).order_by(_id(table).desc()).limit(limit)
    if before:
        query = query.where(_id(table) < before)
    return connection.execute(query).mappings()


def _finish(connection: Connection, table: Table, id_: str, values: Mapping[str, Any]) -> None:
    # Somebody else may have taken it for interrupted, while it ran.
    connection.execute(update(table).where(_id(table) == id_).values({"finished_at": now(), "error": null(), **values}))


def _status(connection: Connection, table: Table, id_: str) -> str | None:
    # The row is locked: where a connection was cut within its COMMIT, the server may still be at it.
    return connection.scalar(select(table.c.status).where(_id(table) == id_).with_for_update())
