"""Bytes in hexadecimal digits, whole columns of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

NO_DIGIT = 0xFF

_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_VALUES = np.full(256, NO_DIGIT, dtype=np.uint8)
_VALUES[_DIGITS] = _VALUES[np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)] = np.arange(16)


def values_of(letters: Bytes) -> Bytes:
    """What each letter counts as a hexadecimal digit, NO_DIGIT for others."""
    return _VALUES[letters]


def paired(digits: Bytes) -> Bytes:
    """The bytes of digits, given by what they count, two for each."""
    return np.asarray((digits[::2] << 4) | digits[1::2])


def digits_of(data: Any) -> Bytes:
    """The digits of bytes, in small letters, two for each."""
    given = np.frombuffer(data, dtype=np.uint8)
    found = np.empty(2 * len(given), dtype=np.uint8)
    found[::2], found[1::2] = _DIGITS[given >> 4], _DIGITS[given & 0x0F]
    return found
