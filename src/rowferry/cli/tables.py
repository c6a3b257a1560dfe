"""`rowferry tables`."""

import click

from rowferry.cli.options import database_option, json_option, service_with
from rowferry.cli.output import say, say_json, table
from rowferry.dictionary.describe import describe
from rowferry.settings import read_settings


@click.command()
@database_option
@json_option
def tables(database_url: str | None, as_json: bool) -> None:
    """List the tables and the rules of their columns, in load order."""
    service = service_with(read_settings(database_url))
    found = [describe(rules) for rules in service.catalog]
    if as_json:
        say_json({"tables": found})
        return
    for described in found:
        rows = [[c["name"], c["type"], c["rule"], c["doc"]] for c in described["columns"]]
        heads = [("column", False), ("type", False), ("rule", False), ("meaning", False)]
        table(
            f"{described['name']}: {described['doc']}" if described["doc"] else described["name"],
            heads,
            rows,
            free=("rule", "meaning"),
        )
        for check in described["checks"]:
            say(f"  each row: {check['condition']}")
