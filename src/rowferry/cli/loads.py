"""`rowferry loads`."""

import click

from rowferry import ledger
from rowferry.cli.options import Integer, at_database, database_option, json_option, open_service
from rowferry.cli.output import say, say_json, table


@click.command()
@click.option("--limit", type=Integer(1, 10_000), default=20, help="How many of the newest loads to list.")
@database_option
@json_option
def loads(limit: int, database_url: str | None, as_json: bool) -> None:
    """List past loads, newest first: when, who, what happened to the rows, and why a load failed."""
    service = open_service(database_url)
    with service.backend.errors(), service.backend.engine.connect() as connection:
        found = ledger.list_loads(connection, limit)
    if as_json:
        say_json({"loads": found})
    elif not found:
        say(f"No loads yet. Make the first one: rowferry load FOLDER{at_database(database_url)}")
    else:
        heads = [("load", False), ("status", False)]
        heads += [(count.removeprefix("rows_"), True) for count in ledger.COUNTS]
        heads += [("when (UTC)", False), ("who", False)]
        rows = [
            [
                *(load["load_id"], load["status"]),
                *(load[count] for count in ledger.COUNTS),
                *(load["started_at"][:19].replace("T", " "), load["caller"]),
            ]
            for load in found
        ]
        table("Loads", heads, rows, tight=True, free=("who",))
        for load in found:
            if load["error"]:
                say(f"{load['load_id']}: {load['error']['message']}. {load['error']['hint']}")
