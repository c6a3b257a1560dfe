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
from rowferry.errors.commands import OutputOfOneTable
from rowferry.files.atomic_write import write_atomically
from rowferry.operations.correctable_files import correctable_files
from rowferry.sources.csv.header import REASONS

_SHOWN = 50

_FINDERS = (ledger.find_load, ledger.find_batch, ledger.find_restore)


@click.command()
@click.argument("load_id", required=False, help="The load, batch or restore (default: the newest load).")
@click.option(
    "--csv",
    type=OUTPUT_FILE,
    metavar="FILE",
    help="Write them to CSV files to correct: for one table to FILE, for several next to it, or into a folder.",
)
@click.option("--table", "of_table", metavar="TABLE", help="Only those of this table.")
@database_option
@json_option
def rejects(
    load_id: str | None, csv: Path | None, of_table: str | None, database_url: str | None, as_json: bool
) -> None:
    """List the rows that a load, batch or restore rejected, each with its place, its original text and its faults.

    With --csv, there is a file for each table: FILE for the first one, the same name followed by the name of the table
    for the others; or, if FILE is a folder, files in it that are named after their tables. Each has the columns of the
    table and three more: where the row was, what is wrong with it, and, if it cannot be shown as it was, a code; such a
    row stays rejected until that cell is emptied. Correct the rows and load the file again:
    rowferry load FILE --table TABLE.
    """
    service = open_service(database_url)
    with service.backend.errors(), service.backend.engine.connect() as connection:
        load_id = load_id or _newest(connection)
        if not any(find(connection, load_id) for find in _FINDERS):
            raise LoadUnknown(load_id=load_id)
        if of_table and of_table not in ledger.tables_with_rejects(connection, load_id):
            service.catalog.table(of_table)
        if csv:
            files = _write_csv(service, connection, load_id, csv, of_table)
            with done():
                if as_json:
                    written_to = [{"table": name, "file": str(path)} for name, path in files.items()]
                    say_json({"load_id": load_id, "files": written_to})
                else:
                    _say_written(files, at_database(database_url))
        elif as_json:
            say_json({"rejects": list(ledger.find_rejects(connection, load_id, table=of_table))})
        else:
            _show(connection, load_id, of_table)


def _originals(load: dict[str, Any] | None) -> list[str]:
    """The files of a load; not those that this command wrote, which are corrected and loaded until nothing is left."""
    sources = load["sources"] if load else []
    return [
        source["path"] for source in sources if "path" in source and not set(REASONS) <= set(source.get("columns", ()))
    ]


def _newest(connection: Any) -> str:
    newest = ledger.list_loads(connection, 1)
    if not newest:
        raise NothingLoaded
    return str(newest[0]["load_id"])


def _write_csv(service: Service, connection: Any, load_id: str, path: Path, of_table: str | None) -> dict[str, Path]:
    """Write the files; of each table that has rejected rows, or the one asked for, where its file is."""
    tables = ledger.tables_with_rejects(connection, load_id)
    wanted = [name for name in tables if of_table in (None, name)]
    if not wanted:
        raise NothingRejected(load_id=load_id)
    if len(wanted) > 1 and path.exists() and not (path.is_file() or path.is_dir()):
        raise OutputOfOneTable(path=path, tables=", ".join(wanted))
    files = {name: _file_of(name, path, wanted[0]) for name in wanted}
    for file in files.values():
        spare_kept(file, service, _originals(ledger.find_load(connection, load_id)))
    for name, lines in correctable_files(service.backend, service.catalog, load_id, of_table).items():
        write_atomically(files[name], (line.encode() for line in lines))
    return files


def _file_of(table: str, path: Path, first: str) -> Path:
    """Where the file of a table is: in a folder, or beside the file of the first table."""
    if path.is_dir():
        return path / f"{table}.csv"
    return path if table == first else path.with_name(f"{path.stem}-{table}{path.suffix}")


def _say_written(files: dict[str, Path], at: str) -> None:
    for name, path in files.items():
        named = f"./{path}" if str(path).startswith("-") else str(path)  # or it would be taken for an option
        say(f"Wrote {path}. Correct its rows, then: rowferry load {shlex.quote(named)} --table {name}{at}")


def _show(connection: Any, load_id: str, of_table: str | None) -> None:
    found = list(islice(ledger.find_rejects(connection, load_id, table=of_table), _SHOWN + 1))
    if not found:
        say(f"{load_id} rejected no rows.")
        return
    rows = [
        [row["source"], row["row_number"], "\n".join(f"{e['code']}: {e['message']}" for e in row["errors"]), row["raw"]]
        for row in found[:_SHOWN]
    ]
    table(
        f"Rejected by {load_id}",
        [("file", False), ("row", True), ("why", False), ("as it was", False)],
        rows,
        free=("why", "as it was"),
    )
    if len(found) > _SHOWN:
        say(f"These are the first {_SHOWN}. To see all: --json, or --csv FILE.")
