"""The command line: finds the command, and turns errors into messages and exit codes."""

import errno
import gc
import importlib
import importlib.metadata
import io
import os
import sys
from typing import Annotated, Any, Never, TextIO

import typer
from typer.core import TyperGroup

from rowferry.cli.output import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, say, say_error, written
from rowferry.cli.signals import ignore_from_now_on, interrupt_on_termination
from rowferry.errors import CommandMisused, Interrupted, OutputUnwritable, RowferryError, Unexpected, UsageError

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
        # The library has exit codes of its own for these two.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error
        except BrokenPipeError as error:
            _write_no_more(sys.stdout)
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
        with written():
            typer.echo(ctx.get_help())


def main() -> Never:
    """Run one command and exit with its code."""
    # No command multiplies matrices: threads that NumPy's library for that starts would only take time from others.
    os.putenv("OPENBLAS_NUM_THREADS", "1")
    interrupt_on_termination()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = EXIT_FAILED
    try:
        code = _run()
    except BrokenPipeError:
        _write_no_more(sys.stdout)
    finally:
        ignore_from_now_on()
    sys.exit(code)


def _run() -> int:
    """The exit code of the command; whatever went wrong was said."""
    try:
        code = app(standalone_mode=False)
        with written():
            sys.stdout.flush()
    except typer.TyperException as mistake:
        return _fail(_misuse(mistake))
    except RowferryError as error:
        return _fail(error)
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
            # The library prints the help; of work that needs room, DiskFull tells.
            return _fail(OutputUnwritable(reason=error.strerror))
        # Imported when it is needed, which is hardly ever.
        logged = importlib.import_module("rowferry.cli.unexpected").logged
        return _fail(Unexpected(log=logged(error)))
    return code or EXIT_DONE


def _fail(error: RowferryError) -> int:
    """Say it where it can be heard."""
    as_json = "--json" in sys.argv
    if any(word.startswith("--database-url") for word in sys.argv):
        hints = importlib.import_module("rowferry.cli.hints")
        error.advice = hints.repeat_database(error.advice, sys.argv[1:])
    try:
        if isinstance(error, OutputUnwritable):
            _write_no_more(sys.stdout)
            as_json = False
        say_error(error, as_json=as_json)
        with written():
            sys.stdout.flush()
    except OutputUnwritable as unwritable:
        return _fail(unwritable)
    except OSError:  # of standard error: nobody can be told
        _write_no_more(sys.stderr)
    return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED


def _misuse(mistake: typer.TyperException) -> CommandMisused:
    """What the library says of words that it cannot make a command of."""
    told = getattr(mistake, "format_message", mistake.__str__)().rstrip(".")
    context = getattr(mistake, "ctx", None)
    return CommandMisused(reason=told, command=context.command_path if context else "rowferry")


def _write_no_more(stream: TextIO) -> None:
    """Nothing more can be said there, also not at exit: its reader has gone, or it is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
