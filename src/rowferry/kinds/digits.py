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
        lengths = np.diff(offsets)
        digits, points = _counts(letters - ord("0") <= 9, offsets), _counts(letters == ord("."), offsets)
        minus = np.zeros(len(texts), dtype=np.bool_)
        minus[lengths > 0] = letters[offsets[:-1][lengths > 0]] == ord("-")
        behind = np.zeros(len(texts), dtype=np.int64)
        row = np.repeat(np.arange(len(texts)), points)
        behind[row] = offsets[1:][row] - np.flatnonzero(letters == ord(".")) - 1
        is_number = (digits > 0) & (points <= 1) & (digits + points + minus == lengths)
        return cls(digits - behind, behind, is_number)


def _counts(which: Mask, offsets: npt.NDArray[np.int32]) -> Counts:
    """How many letters of each text are among those asked for."""
    before = np.zeros(len(which) + 1, dtype=np.int64)
    np.cumsum(which, out=before[1:])
    return np.diff(before[offsets])
