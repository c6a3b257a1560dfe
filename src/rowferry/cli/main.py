"""The command line: finds the command, and turns errors into messages and exit codes."""

import atexit
import errno
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Never

import click

from rowferry import lazy
from rowferry.cli.garbage import leave_garbage
from rowferry.cli.group import Group
from rowferry.cli.output import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, DoneUnheard, say_error, written
from rowferry.cli.signals import ignore_from_now_on, interrupt_on_termination
from rowferry.cli.standard_streams import take_streams, write_no_more
from rowferry.errors import (
    CommandMisused,
    Interrupted,
    OutputUnwritable,
    RowferryError,
    Unexpected,
    UsageError,
    follows_interrupt,
)

if TYPE_CHECKING:
    from rowferry import settings
    from rowferry.cli import hints, offered, unexpected
else:
    settings = lazy.module("rowferry.settings")
    hints = lazy.module("rowferry.cli.hints")
    offered = lazy.module("rowferry.cli.offered")
    unexpected = lazy.module("rowferry.cli.unexpected")

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
    "models",
    "serve",
    "db",
    "settings",
)
"""Each is a module of this package with a command of the same name; it is imported when it is used."""

_UNWRITABLE = (errno.ENOSPC, errno.EBADF)
"""What is wrong with an output that is full, or closed."""

_EMPTY = re.compile(r"(--[^=]+=)?")
"""No word of a command means anything if there is nothing in it."""


class LazyGroup(Group):
    """Imports only the command that is used, since a small load should be quick as a whole."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as the library calls it
        return offered.without_unavailable(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        leave_garbage()
        settings.set_up_libraries()
        command: click.Command = getattr(lazy.module(f"rowferry.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as mistake:
            # The library would look for similar names among the commands that it holds, of which there are none.
            raise click.NoSuchCommand(mistake.command_name, possibilities=COMMANDS, ctx=ctx) from mistake


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(package_name="rowferry", message="%(prog)s %(version)s", help="Show the version and exit.")
@click.pass_context
def rowferry(ctx: click.Context) -> None:
    """Load history from CSV files into a SQL database, add to it by REST, and see what was rejected and why.

    Exit codes: 0 done; 1 done, with rejected rows; 2 wrong usage; 3 failed, nothing changed.
    """
    if ctx.invoked_subcommand is None:
        with written():
            click.echo(ctx.get_help())


def main() -> Never:
    """Run one command and exit with its code."""
    outcome: list[int] = []
    atexit.register(_leave, outcome)  # what is registered first comes last
    interrupt_on_termination()
    take_streams()
    code = EXIT_FAILED
    try:
        code = _run()
    except BrokenPipeError:
        write_no_more(sys.stdout)
    finally:
        ignore_from_now_on()
    outcome.append(code)
    sys.exit(code)


def _leave(outcome: list[int]) -> None:
    """Let the system free all memory at once: Python would take every module apart first."""
    for code in outcome:
        with suppress(OSError):  # nobody hears what is left to be said
            sys.stderr.flush()
        os._exit(code)


def _run() -> int:
    """The exit code of the command; whatever went wrong was said."""
    try:
        code = _invoke()
        with written():
            sys.stdout.flush()
    except click.ClickException as mistake:
        return _fail(_misuse(mistake))
    except RowferryError as error:
        return _fail(error)
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None:
            # The library prints help and version; of work that needs room, DiskFull tells.
            return _fail(OutputUnwritable(reason=error.strerror))
        return _fail(Interrupted() if follows_interrupt(error) else Unexpected(log=unexpected.logged(error)))
    return code


def _invoke() -> int:
    """Run the command; the library's own `main` has exit codes of its own for Ctrl-C and a reader who has gone."""
    if any(map(_EMPTY.fullmatch, sys.argv[1:])):
        raise click.UsageError("One of its arguments is empty, such as a shell variable that is not set")
    try:
        with rowferry.make_context("rowferry", sys.argv[1:]) as context:
            rowferry.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except DoneUnheard as unheard:
        _fail(unheard.error) if unheard.error else write_no_more(sys.stdout)
        return unheard.code
    except KeyboardInterrupt as error:
        raise Interrupted from error
    return EXIT_DONE


def _fail(error: RowferryError) -> int:
    """Say it where it can be heard."""
    as_json = "--json" in sys.argv
    if any(word.startswith("--database-url") for word in sys.argv):
        error.advice = hints.repeat_database(error.advice, sys.argv[1:])
    try:
        if isinstance(error, OutputUnwritable):
            write_no_more(sys.stdout)
            as_json = False
        say_error(error, as_json=as_json)
        with written():
            sys.stdout.flush()
    except OutputUnwritable as unwritable:
        return _fail(unwritable)
    except OSError:  # of standard error: nobody can be told
        write_no_more(sys.stderr)
    return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED


def _misuse(mistake: click.ClickException) -> CommandMisused:
    """What the library says of words that it cannot make a command of."""
    reason = mistake.format_message().rstrip(".")
    context = getattr(mistake, "ctx", None)
    if isinstance(mistake, click.NoSuchOption) and context and context.parent is None:
        reason = f"No such option {mistake.option_name} before the command; options of a command come after it"
    named = sys.argv[1:2] if set(sys.argv[1:2]) & set(COMMANDS) else []
    return CommandMisused(reason=reason, command=context.command_path if context else " ".join(["rowferry", *named]))
