"""`rowferry settings`."""

from dataclasses import asdict

import click

from rowferry.bootstrap import try_settings
from rowferry.cli.options import database_option, json_option
from rowferry.cli.output import say, say_json, table
from rowferry.settings import require_none, settings_in_force, unknown_settings


@click.command()
@database_option
@json_option
def settings(database_url: str | None, as_json: bool) -> None:
    """Check all settings, and show their values and where each came from; passwords are masked."""
    tried, faults = try_settings(database_url)
    found = settings_in_force(tried, database_url, {fault.name for fault in faults})
    unknown = list(unknown_settings())
    if as_json:
        require_none(faults)
        say_json({"settings": [asdict(setting) for setting in found], "unknown": unknown})
        return
    heads = [("setting", False), ("value", False), ("from", False), ("meaning", False)]
    table(
        "Settings",
        heads,
        [[setting.name, setting.value, setting.source, setting.meaning] for setting in found],
        free=("meaning",),
    )
    for sentence in unknown:
        say(sentence, style="yellow")
    require_none(faults)
