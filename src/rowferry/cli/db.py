"""`rowferry db`: the schema of the database."""

import click

from rowferry import ledger
from rowferry.cli.group import Group
from rowferry.cli.options import database_option, json_option, service_with
from rowferry.cli.output import done, say, say_json
from rowferry.errors import DatabaseDiffers
from rowferry.migrations.differences import differences
from rowferry.settings import read_settings


@click.group(cls=Group, no_args_is_help=False)
def db() -> None:
    """See and change the schema of the database: its tables and their columns."""


@db.command()
@database_option
@json_option
def upgrade(database_url: str | None, as_json: bool) -> None:
    """Apply the migrations that the database lacks, all or none of them.

    Only the ledger and the default tables are changed. Tables of your own module are created if they do not exist,
    and never changed.
    """
    service = service_with(read_settings(database_url))
    with service.backend.errors():
        applied = service.upgrade()
        service.start()
    with done():
        if as_json:
            say_json({"applied": applied})
        else:
            say(f"Applied: {', '.join(applied)}" if applied else "There was nothing to do.")


@db.command()
@database_option
@json_option
def current(database_url: str | None, as_json: bool) -> None:
    """Show which migrations the database had last, and which it lacks."""
    state = service_with(read_settings(database_url)).schema()
    if as_json:
        say_json({"applied": state.applied, "pending": state.pending, "unknown": state.unknown})
        return
    say(f"applied: {', '.join(state.applied) or 'none'}")
    say(f"pending: {', '.join(state.pending) or 'none'}")
    if state.unknown:
        say(f"unknown to this program: {', '.join(state.unknown)}")


@db.command()
@database_option
@json_option
def check(database_url: str | None, as_json: bool) -> None:
    """Compare the database with the tables of this program, column by column; exit code 3 if it differs."""
    service = service_with(read_settings(database_url))
    with service.backend.errors():
        service.schema().require_current()
        with service.backend.engine.connect() as connection:
            found = [
                difference
                for known in (ledger.all_here(connection), service.catalog.metadata)
                for difference in differences(connection, known)
            ]
    if found:
        raise DatabaseDiffers(reason="; ".join(found))
    if as_json:
        say_json({"differences": []})
    else:
        say("The database has the schema of this program.")
