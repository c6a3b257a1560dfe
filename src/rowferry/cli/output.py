"""What commands show: JSON for programs, tables and words for people."""

import codecs
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Never

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rowferry.errors import OutputUnwritable, RowferryError

EXIT_DONE, EXIT_REJECTED, EXIT_USAGE, EXIT_FAILED = range(4)

_LONGEST = 300

_NARROWEST, _ENDLESS = 24, 1_000_000
"""Widths: how far a column of free text may shrink, and what no table is as wide as."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class _Terminal(Console):
    def on_broken_pipe(self) -> Never:
        """Leave it to the entry point; the library would exit, with a code that means rejected rows."""
        raise BrokenPipeError


out = _Terminal(highlight=False, soft_wrap=False)
err = _Terminal(stderr=True, highlight=False)


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


def say_error(error: RowferryError, *, as_json: bool) -> None:
    """Say what went wrong and what to do about it."""
    if as_json:
        say_json({"error": {"code": error.code, "message": error.message, "hint": error.advice}})
        return
    err.print(Text.assemble(("Error: ", "bold red"), error.message + "."), soft_wrap=True)
    if error.advice:
        err.print(Text.assemble(("Hint: ", "bold yellow"), error.advice), soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Say something to people; nothing in it is markup."""
    with written():
        out.print(Text(text, style=style), soft_wrap=True)


def table(
    title: str, columns: list[tuple[str, bool]], rows: list[list[Any]], *, tight: bool = False, free: Sequence[str] = ()
) -> None:
    """Show a table; a column is its title and whether it holds numbers. A tight one has a single space between.

    Nothing is cut off, and only the columns named in `free` wrap: on a terminal that is too narrow for the others, the
    table is wider than it, and so it is where nobody looks, as in a file.
    """
    shown = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, not tight))
    cells = [[Text(f"{cell:,}" if isinstance(cell, int) else _harmless(str(cell))) for cell in row] for row in rows]
    for at, (name, numeric) in enumerate(columns):
        longest = max((cell_len(line) for row in cells for line in row[at].plain.splitlines()), default=0)
        shown.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=name not in free,
            min_width=max(cell_len(name), min(longest, _NARROWEST) if name in free else longest),
        )
    for row in cells:
        shown.add_row(*row)
    needed = Measurement.get(out, out.options.update(max_width=_ENDLESS), shown)
    shown.width = max(needed.minimum, min(out.width, needed.maximum)) if out.is_terminal else needed.maximum
    say(title, "bold")
    with written():
        out.print(shown, crop=False)


def _harmless(text: str) -> str:
    """A text out of a file, of which nothing can command the terminal; the end of a long one is left out."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 20]}… ({len(text):,} characters)"
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
