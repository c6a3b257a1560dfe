"""What commands say: JSON to programs, tables and words to people."""

import codecs
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rowferry import lazy
from rowferry.errors import OutputUnwritable, RowferryError

if TYPE_CHECKING:  # imported when people are told something: programs, which ask for JSON, need not wait for it
    from rowferry.cli import terminal
else:
    terminal = lazy.module("rowferry.cli.terminal")

EXIT_DONE, EXIT_REJECTED, EXIT_USAGE, EXIT_FAILED = range(4)

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class DoneUnheard(Exception):
    """What was to be done is done, but its outcome could not be written; `error` says why, unless its reader went."""

    def __init__(self, code: int, error: OutputUnwritable | None) -> None:
        super().__init__(code)
        self.code, self.error = code, error


@contextmanager
def done(code: int = EXIT_DONE) -> Iterator[None]:
    """Tell what was done, and exit with `code`: it says what was done, also where nobody could be told.

    Raises:
        DoneUnheard: It could not be written.
    """
    try:
        yield
        with written():
            sys.stdout.flush()
    except BrokenPipeError as error:
        raise DoneUnheard(code, None) from error
    except OutputUnwritable as error:
        raise DoneUnheard(code, error) from error
    raise click.exceptions.Exit(code)


@contextmanager
def written() -> Iterator[None]:
    """Where standard output is written to; OutputUnwritable if it cannot be, as on a full disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputUnwritable(reason=error.strerror or str(error)) from error


def say_json(value: object) -> None:
    """Write one JSON object, and nothing else, to standard output."""
    say_json_text(json.dumps(value, ensure_ascii=False, default=str))


def say_json_text(text: str) -> None:
    """The same of an object that is JSON already, to the letter, unless standard output has not all letters."""
    if codecs.lookup(sys.stdout.encoding).name != "utf-8":
        text = _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    with written():
        sys.stdout.write(f"{text}\n")


def say_source(text: str) -> None:
    """Write Python source to standard output, escaping what its character set lacks."""
    encoding = sys.stdout.encoding
    with written():
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def say_error(error: RowferryError, *, as_json: bool) -> None:
    """Say what went wrong and what to do about it."""
    if as_json:
        say_json({"error": error.as_dict()})
    else:
        terminal.print_error(error)


def say(text: str, style: str = "") -> None:
    """Say something to people; nothing in it is markup."""
    with written():
        terminal.print_words(text, style)


def table(
    title: str, columns: list[tuple[str, bool]], rows: list[list[Any]], *, tight: bool = False, free: Sequence[str] = ()
) -> None:
    """Show people a table; a column is its title and whether it holds numbers. A tight one has a single space between.

    Nothing is cut off, and only the columns named in `free` wrap: on a terminal that is too narrow for the others, the
    table is wider than it, and so it is where nobody looks, as in a file.
    """
    say(title, "bold")
    with written():
        terminal.print_table(columns, rows, tight=tight, free=free)


def say_only_json() -> None:
    """From now on, people are told nothing."""
    terminal.out.quiet = True
