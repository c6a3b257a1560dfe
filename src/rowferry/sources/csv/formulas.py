"""Cells of files for spreadsheets: what would run as a formula is written so that it does not, and read as it was.

An apostrophe stands before a text that begins a formula: with one of = + - @, with a tab or a line end, also behind
blanks (https://owasp.org/www-community/attacks/CSV_Injection). Apostrophes in front of such a text are part of the
rule, so that it can be undone: `=1` is written `'=1`, `'=1` is written `''=1`, and reading takes one away again. All
other texts stay as they are, plain numbers such as -5 among them, and `'s-Gravenhage`.
"""

import re

_BEGINS_A_FORMULA = re.compile(r"'*[\s\ufeff]*[=+\-@＝＋－＠\t\r\n]")

_IS_A_NUMBER = re.compile(r"'*[+-](?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

APOSTROPHE = ord("'")

BYTE_ORDER_MARK = "\ufeff"
"""Files for spreadsheets begin with it: without, some take UTF-8 for another character set, and spoil every accent."""


def guarded(cell: str) -> str:
    """A cell as it is written."""
    return f"'{cell}" if _would_run(cell) else cell


def unguarded(cell: str) -> str:
    """A cell as it was, before it was written: the inverse of `guarded`."""
    return cell[1:] if cell.startswith("'") and _would_run(cell) else cell


def _would_run(cell: str) -> bool:
    return bool(_BEGINS_A_FORMULA.match(cell)) and not _IS_A_NUMBER.fullmatch(cell)
