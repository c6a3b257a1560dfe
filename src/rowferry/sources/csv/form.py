"""What somebody has said about how CSV files are written, which files do not say by themselves."""

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import quote

from rowferry.dictionary.rules import TableRules
from rowferry.errors import OptionInvalid, OptionUnfit

Header = Literal["auto", "yes", "no"]

_SPOKEN = {"tab": "\t", r"\t": "\t", "space": " "}

_NO_DELIMITERS = '"\r\n\0'

RENAME_HINT = "Give NAME=COLUMN: the name in the file, and the column of the table."


@dataclass(frozen=True)
class CsvForm:
    """How CSV files are written, as far as somebody has said so.

    `delimiter` is a byte. Names of files are known by `spelled`: `renamed` says which columns they mean, and `ignored`
    are passed over. A cell without quotes that is one of `null_words` is missing.
    """

    header: Header = "auto"
    delimiter: int | None = None
    null_words: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    def require_columns(self, tables: Iterable[TableRules]) -> None:
        """Raise OptionInvalid if a column that a name is to stand for is in none of the tables."""
        known = {spelled(name) for rules in tables for name in rules.names}
        for name, column in self.renamed.items():
            if spelled(column) not in known:
                allowed = f"No table of this load has a column {column}; see them with `rowferry tables`."
                raise OptionInvalid(option="rename", value=f"{name}={column}", allowed=allowed)


def csv_form(
    header: str = "auto",
    delimiter: str | None = None,
    null: Collection[str] = (),
    rename: Sequence[str] = (),
    ignore_columns: Sequence[str] = (),
) -> CsvForm:
    """Read what was said by options; OptionInvalid if one of them makes no sense.

    `rename` are NAME=COLUMN; each of `ignore_columns` are names separated by commas, in quotes where they hold some.
    """
    if header not in get_args(Header):
        raise OptionInvalid(option="header", value=header, allowed=f"Use one of {', '.join(get_args(Header))}.")
    if header == "no" and (rename or ignore_columns):
        other = "rename" if rename else "ignore-columns"
        raise OptionUnfit(option=other, other="header no", allowed="Only a header has names of columns.")
    for option, said in (("null", null), ("rename", rename), ("ignore-columns", ignore_columns)):
        _require_texts(option, said)
    return CsvForm(
        header=header,  # type: ignore[arg-type]  # as was just looked at
        delimiter=_delimiter(delimiter),
        null_words=frozenset(null),
        renamed=dict(map(_renamed, rename)),
        ignored=frozenset(spelled(name) for names in ignore_columns for name in _listed(names)),
    )


def spelled(name: str) -> str:
    """A name in a header as it is compared: without case, byte order marks and white space around it.

    A line break in it, as spreadsheets have them, is a blank.
    """
    return " ".join(name.replace("\ufeff", "").split()).casefold()


def called(delimiter: int) -> str:
    """A delimiter in words."""
    return {"\t": "a tab", " ": "a space"}.get(chr(delimiter), repr(chr(delimiter)))


def as_option(delimiter: int) -> str:
    """What tells commands and the API of a delimiter."""
    letter = chr(delimiter)
    word = {"\t": "tab", " ": "space"}.get(letter)
    typed = word or (f"'{letter}'" if letter.isprintable() else f"$'\\x{delimiter:02x}'")
    return f"--delimiter {typed} (in a URL ?delimiter={word or quote(letter, safe='')})"


def _require_texts(option: str, said: Iterable[str]) -> None:
    for text in said:
        if "\0" in text or (not text.isascii() and text.encode("utf-8", "ignore").decode() != text):
            raise OptionInvalid(
                option=option, value=text, allowed="No text in a file can contain that; give one in UTF-8."
            )


def _delimiter(said: str | None) -> int | None:
    if said is None:
        return None
    letter = _SPOKEN.get(said.lower(), said)
    if len(letter) != 1 or not letter.isascii() or letter in _NO_DELIMITERS:
        allowed = "Give one ASCII character other than a quote or a line end, such as ';' or '|', or the word tab."
        raise OptionInvalid(option="delimiter", value=said, allowed=allowed)
    return ord(letter)


def _renamed(said: str) -> tuple[str, str]:
    name, _, column = said.rpartition("=")
    if not name.strip() or not column.strip():
        raise OptionInvalid(option="rename", value=said, allowed=RENAME_HINT)
    return spelled(name), column.strip()


def _listed(names: str) -> list[str]:
    try:
        return next(csv.reader([names], strict=True)) or [""]
    except csv.Error as error:
        allowed = 'Give names of columns, separated by commas; quote (") a name that contains a comma.'
        raise OptionInvalid(option="ignore-columns", value=names, allowed=allowed) from error
