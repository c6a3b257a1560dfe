"""`rowferry restores`."""

import click

from rowferry import ledger
from rowferry.cli.options import Integer, at_database, database_option, json_option, open_service
from rowferry.cli.output import say, say_json, table


@click.command()
@click.option("--limit", type=Integer(1, 10_000), default=20, help="How many of the newest restores to list.")
@database_option
@json_option
def restores(limit: int, database_url: str | None, as_json: bool) -> None:
    """List past restores, newest first: what each changed, or what blocked it."""
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
            [
                restored["restore_id"],
                restored["table"],
                restored["status"],
                *(restored[count] for count in ledger.RESTORE_COUNTS),
            ]
            for restored in found
        ]
        table("Restores", heads, rows, tight=True)
        for restored in found:
            for obstacle in restored["obstacles"]:
                say(f"{restored['restore_id']}: {obstacle['message']}. {obstacle['hint']}")
            if restored["error"]:
                say(f"{restored['restore_id']}: {restored['error']['message']}. {restored['error']['hint']}")
