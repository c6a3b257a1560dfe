"""Numbers in decimal digits: their grammar, and whole columns of them.

text      sign  whole  point  fraction
-12.50    -     12     .      50
.5              0      .      5
"""

import re
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow.arrays import letters_of
from rowferry.arrow.masks import Mask

NUMBER = r"(?P<sign>[+-]?)(?:(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]*))?|\.(?P<only_fraction>[0-9]+))"

MOST_BEFORE, MOST_BEHIND = 131_072, 16_383
"""So many digits PostgreSQL keeps before and behind the point of a number that has no given precision."""

Counts = npt.NDArray[np.int64]


def fraction_of(found: re.Match[str]) -> str:
    """The digits behind the point of a NUMBER, but zeros at the end."""
    return (found["fraction"] or found["only_fraction"] or "").rstrip("0")


class Digits(NamedTuple):
    """Of each text of a column: how many digits stand before and behind its point, and whether it is a number.

    A number has no sign but a minus sign, and no exponent.
    """

    before: Counts
    behind: Counts
    is_number: Mask

    @classmethod
    def of(cls, texts: pa.StringArray) -> Self:
        offsets, letters = letters_of(texts)
        lengths = np.diff(offsets).astype(np.int64)
        others = np.flatnonzero(letters - ord("0") > 9)  # what is less than 0 wraps around
        row = _rows_of(others, offsets)
        is_point, is_minus = letters[others] == ord("."), (letters[others] == ord("-")) & (others == offsets[row])
        points = np.bincount(row[is_point], minlength=len(texts))
        digits = lengths - points
        digits[row[is_minus]] -= 1
        behind = np.zeros(len(texts), dtype=np.int64)
        behind[row[is_point]] = offsets[1:][row[is_point]] - others[is_point] - 1
        is_number = (digits > 0) & (points <= 1)
        is_number[row[~(is_point | is_minus)]] = False
        return cls(digits - behind, behind, is_number)


def _rows_of(places: Counts, offsets: npt.NDArray[np.int32]) -> Counts:
    """In which text each letter is, of some whose places ascend; usually there is one in each."""
    if len(places) == len(offsets) - 1 and (places >= offsets[:-1]).all() and (places < offsets[1:]).all():
        return np.arange(len(places))
    return np.searchsorted(offsets, places, side="right") - 1
