"""`rowferry demo`."""

import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.cli.load import show
from rowferry.cli.options import AsJson, caller
from rowferry.cli.output import say, say_json, table
from rowferry.events import Event
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.operations.receipt import Receipt
from rowferry.samples import write_samples
from rowferry.settings import read_settings
from rowferry.streams.csv_files import find_files

app = typer.Typer(add_completion=False)

DATABASE = Path("rowferry-demo.db")

_EXPLAINED = 100


@app.command()
def demo(as_json: AsJson = False) -> None:
    """Show the main job from end to end, on sample files and an embedded database of its own (rowferry-demo.db).

    Writes sample files, some of whose rows are wrong in every way there is; loads them; explains each rejected row;
    loads them again, which changes nothing.
    """
    for leftover in DATABASE.parent.glob(f"{DATABASE.name}*"):
        leftover.unlink()
    service = Service(read_settings(f"sqlite:///{DATABASE}"))
    service.start()
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder))
        first = _load(service, Path(folder))
        rejects = _rejects(service, first)
        if not as_json:
            say("1. Load years of history: departments, jobs and hired employees, from three CSV files.", "bold")
            say("   (The same files are in data/ of the repository.)\n")
            show(first)
            _explain(rejects)
        second = _load(service, Path(folder))
    if as_json:
        say_json({"first_load": first.as_dict(), "rejects": rejects, "second_load": second.as_dict()})
        return
    say("\n3. Load the same files again: every row is there already, so nothing changes.\n", "bold")
    show(second)
    _say_what_next(first)


def _load(service: Service, folder: Path) -> Receipt:
    files = find_files([folder], service.catalog)
    return full_bulk_insert(service.backend, service.catalog, files, LoadOptions(), _ignore, LoadClaim.new(caller()))


def _ignore(_event: Event) -> None:
    """The demo shows receipts, not progress."""


def _rejects(service: Service, receipt: Receipt) -> list[dict[str, Any]]:
    with service.backend.engine.connect() as connection:
        return list(islice(ledger.find_rejects(connection, receipt.load_id), _EXPLAINED))


def _explain(rejects: list[dict[str, Any]]) -> None:
    faults = Counter(error["code"] for row in rejects for error in row["errors"])
    say(f"\n2. {len(rejects)} rows were rejected, with {faults.total()} faults. Each is kept as it stood:\n", "bold")
    rows = [
        [one["row_number"], "\n".join(f"{e['code']}: {e['message']}" for e in one["errors"]), one["raw"][:80]]
        for one in rejects
    ]
    table("Rejected rows of hired_employees.csv", [("row", True), ("why", False), ("as it stood", False)], rows)


def _say_what_next(receipt: Receipt) -> None:
    url = f"--database-url sqlite:///{DATABASE}"
    say("\nEvery row is accounted for: rows read = inserted + updated + unchanged + rejected.", "bold")
    say("Try next:")
    say(f"  rowferry rejects {receipt.load_id} --csv to-correct.csv {url}")
    say("      a file to correct and load again")
    say(f"  rowferry loads {url}")
    say("      all loads so far, in the same database as the rows")
    say(f"  rowferry serve {url}")
    say("      the same by HTTP, tried out at http://localhost:8000/docs")
