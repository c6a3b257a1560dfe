"""Words that stand for a missing value: those that somebody has named, and others that look as if they did."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow, letters_of
from rowferry.dictionary.rules import TableRules
from rowferry.kinds.texts import Text

LOOKALIKES = ("NULL", "null", "Null", "None", "#N/A", r"\N", "(null)", "(NULL)", "<null>", "<NULL>")
"""What other programs write for a missing value; it may be meant as a text, so that all it gets is a note."""

_LONGEST = max(map(len, LOOKALIKES))

_BEGINNINGS = np.isin(np.arange(256), [ord(word[0]) for word in LOOKALIKES])


class NullWords:
    """Empties cells without quotes that are one of the `named` words, and counts texts that look like one."""

    def __init__(self, rules: TableRules, named: Collection[str]) -> None:
        self._texts = [isinstance(rule.kind, Text) for rule in rules.columns]
        self._named = frozenset(named)
        self._values = pa.array(sorted(named), pa.string())
        self._found: Counter[str] = Counter()

    def emptied(
        self, column: pa.StringArray, in_quotes: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]
    ) -> pa.StringArray:
        """A column, empty where a word was named; `in_quotes` tells of some places which of them hold texts anyway."""
        if not self._named:
            return column
        named = pc.is_in(column, value_set=self._values).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(named)
        named[places[in_quotes(places)]] = False
        return pc.if_else(as_arrow(named), pa.scalar("", pa.string()), column) if named.any() else column

    def emptied_cells(self, cells: Sequence[object], quoted: Sequence[bool]) -> list[object]:
        """The same of a single row."""
        both = zip(cells, quoted, strict=True)
        return ["" if not in_quotes and cell in self._named else cell for cell, in_quotes in both]

    def count(self, columns: Sequence[pa.StringArray]) -> None:
        """Count what looks like one of these words in the texts of a table, column by column."""
        for column, is_text in zip(columns, self._texts, strict=True):
            if is_text:
                self._count(column)

    def count_cells(self, cells: Sequence[object]) -> None:
        """The same of a single row."""
        both = zip(cells, self._texts, strict=True)
        self._found.update(str(cell) for cell, is_text in both if is_text and cell in LOOKALIKES)

    def notes(self) -> list[str]:
        """How many cells look like a missing value, if any do."""
        if not (count := self._found.total()):
            return []
        words = ", ".join(word for word in LOOKALIKES if word in self._found)
        counted = "1 cell contains" if count == 1 else f"{count:,} cells contain"
        stand = "it means" if len(self._found) == 1 else "one of them means"
        return [f"{counted} {words} as text; if {stand} a missing value, use --null WORD (in a URL ?null=WORD)"]

    def _count(self, column: pa.StringArray) -> None:
        offsets, letters = letters_of(column)
        lengths = np.diff(offsets)
        short = lengths <= _LONGEST
        if not short.any():
            return
        places = np.flatnonzero(short & (lengths > 0))
        places = places[_BEGINNINGS[letters[offsets[places]]]]
        if len(places):
            self._found.update(text for text in pc.take(column, as_arrow(places)).to_pylist() if text in LOOKALIKES)
