"""The hint of an error as the command line says it: commands that it names use the database that was given."""

import re
from collections.abc import Sequence

from sqlalchemy.exc import ArgumentError

from rowferry.cli.options import at_database

_OPTION = "--database-url"

_COMMAND = re.compile(r"`(rowferry (?!-|[^`]*--help)[^`]*)`")


def repeat_database(hint: str, words: Sequence[str]) -> str:
    """The hint, whose commands have the --database-url that is among the words of the command line, if there is one."""
    try:
        repeated = at_database(_given(words))
    except (ArgumentError, ValueError):  # it is no URL, which is what the error is about
        return hint
    return _COMMAND.sub(lambda found: f"`{found[1]}{repeated}`", hint)


def _given(words: Sequence[str]) -> str | None:
    """The last one counts, as where commands are read."""
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word == _OPTION:
            found = following
        elif word.startswith(f"{_OPTION}="):
            found = word.removeprefix(f"{_OPTION}=")
    return found
