"""`rowferry restores`."""

from typing import Annotated

import typer

from rowferry import ledger
from rowferry.cli.options import AsJson, DatabaseUrl, at_database, open_service
from rowferry.cli.output import say, say_json, table

app = typer.Typer(add_completion=False)


@app.command()
def restores(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest restores.")] = 20,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List past restores, the newest first: what each changed, or what stood in its way."""
    service = open_service(database_url)
    with service.backend.errors(), service.backend.engine.connect() as connection:
        found = ledger.list_restores(connection, limit)
    if as_json:
        say_json({"restores": found})
    elif not found:
        say(f"No restores yet. See what one would do: rowferry restore TABLE --dry-run{at_database(database_url)}")
    else:
        heads = [("restore", False), ("table", False), ("status", False)]
        heads += [(count, True) for count in ledger.RESTORE_COUNTS]
        rows = [
            [one["restore_id"], one["table"], one["status"], *(one[count] for count in ledger.RESTORE_COUNTS)]
            for one in found
        ]
        table("Restores", heads, rows, tight=True)
        for one in found:
            for obstacle in one["obstacles"]:
                say(f"{one['restore_id']}: {obstacle['message']}. {obstacle['hint']}")
            if one["error"]:
                say(f"{one['restore_id']}: {one['error']['message']}. {one['error']['hint']}")
