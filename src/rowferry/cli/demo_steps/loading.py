"""Steps of the demo: load files, see what was rejected, load them again."""

from collections import Counter
from itertools import islice

from rowferry import ledger
from rowferry.cli.demo_steps.stage import AT_DATABASE, Stage, ignore
from rowferry.cli.load import show
from rowferry.cli.options import caller
from rowferry.cli.output import say, table
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.operations.receipt import Receipt
from rowferry.sources.csv.files import find_files

_EXPLAINED = 100


def load_history(stage: Stage) -> None:
    """Load years of history: departments, jobs and hired employees, from three CSV files."""
    say("The same files are in the folder data/ of the repository.\n")
    receipt = _load(stage)
    show(receipt, f" {AT_DATABASE}")
    stage.shown["first_load"] = receipt.as_dict()
    stage.next_commands += [
        (
            f"rowferry rejects {receipt.load_id} --csv to-correct.csv {AT_DATABASE}",
            "a file to correct and load again",
        ),
        (f"rowferry loads {AT_DATABASE}", "all loads so far, in the same database as the rows"),
    ]


def explain_rejects(stage: Stage) -> None:
    """See each rejected row as it was, with all its faults."""
    with stage.service.backend.engine.connect() as connection:
        found = ledger.find_rejects(connection, stage.shown["first_load"]["load_id"])
        rejects = list(islice(found, _EXPLAINED))
    faults = Counter(error["code"] for row in rejects for error in row["errors"])
    say(f"{len(rejects)} rows were rejected, with {faults.total()} faults. None of them is lost:\n")
    rows = [
        [row["row_number"], "\n".join(f"{e['code']}: {e['message']}" for e in row["errors"]), row["raw"][:80]]
        for row in rejects
    ]
    table(
        "Rejected rows of hired_employees.csv",
        [("row", True), ("why", False), ("as it was", False)],
        rows,
        free=("why", "as it was"),
    )
    stage.shown["rejects"] = rejects


def load_again(stage: Stage) -> None:
    """Load the same files again: every row is already there, so nothing changes."""
    receipt = _load(stage)
    show(receipt, f" {AT_DATABASE}")
    say("\nEvery row is accounted for: rows read = inserted + updated + unchanged + rejected.", "bold")
    stage.shown["second_load"] = receipt.as_dict()


def _load(stage: Stage) -> Receipt:
    service = stage.service
    files = find_files([stage.folder], service.catalog)
    return full_bulk_insert(service.backend, service.catalog, files, LoadOptions(), ignore, LoadClaim.new(caller()))
