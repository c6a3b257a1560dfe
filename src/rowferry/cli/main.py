"""The command line: finds the command, and turns errors into messages and exit codes."""

import gc
import importlib
import importlib.metadata
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any, Never

import typer
from typer.core import TyperGroup

from rowferry.cli.output import EXIT_FAILED, EXIT_USAGE, say, say_error
from rowferry.errors import Interrupted, RowferryError, UsageError

COMMANDS = (
    "demo",
    "load",
    "loads",
    "rejects",
    "batch",
    "backup",
    "backups",
    "verify",
    "restore",
    "restores",
    "report",
    "tables",
    "serve",
    "db",
    "settings",
)
"""Each is a module of this package with an `app` of one command; it is imported when it is used."""


class LazyGroup(TyperGroup):
    """Imports only the command that is used, since a small load should be quick as a whole."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # as the library calls it
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        # What is imported stays until the end: looking for garbage among it takes a tenth of the time of a start.
        gc.disable()
        command = typer.main.get_command(importlib.import_module(f"rowferry.cli.{cmd_name}").app)
        gc.freeze()
        gc.enable()
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        as_json = "--json" in sys.argv
        try:
            return super().invoke(ctx)
        except RowferryError as error:
            say_error(error, as_json=as_json)
            raise typer.Exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED) from error
        except KeyboardInterrupt as error:
            say_error(Interrupted(), as_json=as_json)
            raise typer.Exit(EXIT_FAILED) from error


app = typer.Typer(
    cls=LazyGroup,
    name="rowferry",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"rowferry {importlib.metadata.version('rowferry')}")
        raise typer.Exit


@app.callback()
def rowferry(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001  # shown by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Move history from CSV files into a SQL database, keep it fed by REST, and see what was rejected and why.

    Exit codes: 0 done; 1 done, with rejected rows; 2 wrong usage; 3 failed, nothing changed.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> Never:
    """Run one command and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except BrokenPipeError:
        # Whoever read our output has gone: nothing more can be said, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        # What was done is done and said: a late signal must not change the exit code.
        for late in (signal.SIGINT, signal.SIGTERM):
            signal.signal(late, signal.SIG_IGN)
    sys.exit(EXIT_FAILED)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
