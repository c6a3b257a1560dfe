"""`rowferry rejects`."""

import shlex
from itertools import islice
from pathlib import Path
from typing import Any

import click

from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.cli.options import OUTPUT_FILE, at_database, database_option, json_option, open_service, spare_kept
from rowferry.cli.output import done, say, say_json, table
from rowferry.errors import LoadUnknown, NothingLoaded, NothingRejected
from rowferry.streams.correctable_csv import correctable_csv
from rowferry.streams.csv_source import REASONS
from rowferry.streams.json_source import as_csv_rows
from rowferry.streams.whole_file import write_whole

_SHOWN = 50

_FINDERS = (ledger.find_load, ledger.find_batch, ledger.find_restore)


@click.command()
@click.argument("load_id", required=False, help="The load, batch or restore (default: the newest load).")
@click.option("--csv", type=OUTPUT_FILE, metavar="FILE", help="Write them to a CSV file to be corrected.")
@click.option("--table", "of_table", metavar="TABLE", help="Only those of this table.")
@database_option
@json_option
def rejects(
    load_id: str | None, csv: Path | None, of_table: str | None, database_url: str | None, as_json: bool
) -> None:
    """List the rows that a load, batch or restore rejected, each with its place, as it stood there, and its faults.

    The CSV file has the table's columns and three more: where each row stood, what is wrong with it, and, if it cannot
    be shown as it came, a code; such a row stays rejected until that cell is emptied. Correct the rows, and load the
    file again: rowferry load FILE --table TABLE.
    """
    service = open_service(database_url)
    with service.backend.errors(), service.backend.engine.connect() as connection:
        load_id = load_id or _newest(connection)
        if not any(find(connection, load_id) for find in _FINDERS):
            raise LoadUnknown(load_id=load_id)
        if of_table and of_table not in ledger.tables_with_rejects(connection, load_id):
            service.catalog.table(of_table)
        if csv:
            name, others = _write_csv(service, connection, load_id, csv, of_table)
            with done():
                if as_json:
                    say_json({"load_id": load_id, "table": name, "file": str(csv)})
                else:
                    _say_written(csv, name, others, at_database(database_url))
        elif as_json:
            say_json({"rejects": list(ledger.find_rejects(connection, load_id, table=of_table))})
        else:
            _show(connection, load_id, of_table)


def _headers(load: dict[str, Any] | None) -> dict[str, list[str]]:
    """Which columns each file of a load has, in its order."""
    return {source["name"]: source["columns"] for source in load["sources"] if "columns" in source} if load else {}


def _originals(load: dict[str, Any] | None) -> list[str]:
    """The files of a load; not those that this command wrote, which are corrected and loaded until nothing is left."""
    sources = load["sources"] if load else []
    return [one["path"] for one in sources if "path" in one and not set(REASONS) <= set(one.get("columns", ()))]


def _newest(connection: Any) -> str:
    newest = ledger.list_loads(connection, 1)
    if not newest:
        raise NothingLoaded
    return str(newest[0]["load_id"])


def _write_csv(
    service: Service, connection: Any, load_id: str, path: Path, of_table: str | None
) -> tuple[str, list[str]]:
    """Write the file; the table whose rows it has, and the other tables that have rejected rows."""
    tables = ledger.tables_with_rejects(connection, load_id)
    if not tables or (of_table and of_table not in tables):
        raise NothingRejected(load_id=load_id)
    load = ledger.find_load(connection, load_id)
    spare_kept(path, service, _originals(load))
    name = of_table or tables[-1]
    rules, found = service.catalog.table(name), ledger.find_rejects(connection, load_id, table=name)
    if load is None:
        found = as_csv_rows(rules, found, of_restore=ledger.find_restore(connection, load_id) is not None)
    lines = correctable_csv(rules, found, _headers(load))
    write_whole(path, (line.encode() for line in lines))
    return name, [table for table in tables if table != name]


def _say_written(path: Path, name: str, others: list[str], at: str) -> None:
    named = f"./{path}" if str(path).startswith("-") else str(path)  # or it would be taken for an option
    say(f"Wrote {path}. Correct its rows, then: rowferry load {shlex.quote(named)} --table {name}{at}")
    if others:
        say(f"Rows of {', '.join(others)} were rejected too: choose them with --table.")


def _show(connection: Any, load_id: str, of_table: str | None) -> None:
    found = list(islice(ledger.find_rejects(connection, load_id, table=of_table), _SHOWN + 1))
    if not found:
        say(f"{load_id} rejected no row.")
        return
    rows = [
        [one["source"], one["row_number"], "\n".join(f"{e['code']}: {e['message']}" for e in one["errors"]), one["raw"]]
        for one in found[:_SHOWN]
    ]
    table(
        f"Rejected by {load_id}",
        [("file", False), ("row", True), ("why", False), ("as it stood", False)],
        rows,
        free=("why", "as it stood"),
    )
    if len(found) > _SHOWN:
        say(f"These are the first {_SHOWN}. All of them: --json, or --csv FILE.")
