"""What people see: words and tables, set by a library that takes its time to import and is only for them."""

from collections.abc import Sequence
from typing import Any, Never

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rowferry.errors import RowferryError

_LONGEST = 300

_NARROWEST, _ENDLESS = 24, 1_000_000
"""Widths: how far a column of free text may shrink, and what no table is as wide as."""


class _Terminal(Console):
    def on_broken_pipe(self) -> Never:
        """Leave it to the entry point; the library would exit, with a code that means rejected rows."""
        raise BrokenPipeError


out = _Terminal(highlight=False, soft_wrap=False)
err = _Terminal(stderr=True, highlight=False)


def print_error(error: RowferryError) -> None:
    """Print what went wrong and what to do about it to standard error."""
    sentence = error.message if error.message.endswith(("?", "?)")) else f"{error.message}."
    err.print(Text.assemble(("Error: ", "bold red"), sentence), soft_wrap=True)
    if error.advice:
        err.print(Text.assemble(("Hint: ", "bold yellow"), error.advice), soft_wrap=True)


def print_words(text: str, style: str) -> None:
    """Print a text, nothing in which is markup."""
    out.print(Text(text, style=style), soft_wrap=True)


def print_table(columns: list[tuple[str, bool]], rows: list[list[Any]], *, tight: bool, free: Sequence[str]) -> None:
    """Print a table, as `output.table` promises it."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, not tight))
    cells = [[Text(f"{cell:,}" if isinstance(cell, int) else _harmless(str(cell))) for cell in row] for row in rows]
    spare = 0
    for at, (name, numeric) in enumerate(columns):
        longest = max((cell_len(line) for row in cells for line in row[at].plain.splitlines()), default=0)
        spare += max(0, longest - max(cell_len(name), _NARROWEST)) if name in free else 0
        shown.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=name not in free,
            min_width=max(cell_len(name), min(longest, _NARROWEST) if name in free else longest),
        )
    for row in cells:
        shown.add_row(*row)
    widest = Measurement.get(out, out.options.update(max_width=_ENDLESS), shown).maximum
    shown.width = max(widest - spare, min(out.width, widest)) if out.is_terminal else widest
    out.print(shown, crop=False)


def _harmless(text: str) -> str:
    """A text out of a file, of which nothing can command the terminal; the end of a long one is left out."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 20]}… ({len(text):,} characters)"
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
