"""Decimals in PostgreSQL's binary form of a numeric, whole columns of them.

Each value is a header and digits to the base of 10,000, all of them big-endian numbers of 16 bits. With a scale of 2,
-12.5 is written as follows if no number of the batch is longer:

    header   2 digits, the first of which counts 10,000 to the power of 0; sign 0x4000; 2 decimal places
    digits   12  5000

All values of a batch have the same length: shorter ones have zeros before them, which the database drops.
Source of the format: numeric_recv in src/backend/utils/adt/numeric.c.

    >>> twelve = pa.array([Decimal("-12.50")], pa.decimal128(12, 2))
    >>> np.frombuffer(numerics(twelve)[0].as_py(), ">u2").tolist()
    [2, 0, 16384, 2, 12, 5000]
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow.arrays import of_equal_width, validity_of

_BASE_DIGITS = 4
_NEGATIVE = 0x4000
_WORD_BITS = 32
"""A decimal of Arrow is a number of 128 or 256 bits, in words of so many."""

_MOST_DIGITS, _DIGITS_OF_A_WORD = 76, 18

Words = npt.NDArray[np.uint64]


def numerics(values: pa.Array) -> pa.BinaryArray:
    """The binary form of each decimal; null stays null."""
    precision, scale = values.type.precision, values.type.scale
    negative, words = _magnitudes(values)
    before, behind = _groups(min(precision - scale, _digits_before(words, scale))), _groups(scale)
    form = np.zeros((len(values), 4 + before + behind), dtype=">u2")
    form[:, :4] = (before + behind, (before - 1) & 0xFFFF, 0, scale)
    form[negative, 2] = _NEGATIVE
    # The last group may have fewer digits of the number than others.
    rest = scale % _BASE_DIGITS
    for at in reversed(range(before + behind)):
        is_part = rest and at == before + behind - 1
        digits = rest if is_part else _BASE_DIGITS
        form[:, 4 + at] = _take_digits(words, 10**digits) * 10 ** (_BASE_DIGITS - digits)
    return of_equal_width(form, pa.binary(), validity_of(values))


def numerics_of_texts(texts: pa.LargeStringArray) -> pa.BinaryArray:
    """The binary form of each number that is given as its digits, with as many behind the point as it is spelled with.

    >>> np.frombuffer(numerics_of_texts(pa.array(["-12.50"], pa.large_string()))[0].as_py(), ">u2").tolist()
    [2, 0, 16384, 2, 12, 5000]
    """
    return pa.array([None if text is None else _numeric(text) for text in texts.to_pylist()], pa.binary())


def _numeric(text: str) -> bytes:
    whole, _, fraction = text.lstrip("-").partition(".")
    before, behind = _groups(len(whole)), _groups(len(fraction))
    digits = whole.rjust(before * _BASE_DIGITS, "0") + fraction.ljust(behind * _BASE_DIGITS, "0")
    groups = [int(digits[at : at + _BASE_DIGITS]) for at in range(0, len(digits), _BASE_DIGITS)]
    sign = _NEGATIVE if text.startswith("-") else 0
    return np.array([len(groups), before - 1, sign, len(fraction), *groups], dtype=">u2").tobytes()


def _digits_before(words: list[Words], scale: int) -> int:
    """How many digits stand before the point at most."""
    if len(words) > 1 or not len(words[0]):
        return _MOST_DIGITS
    whole = int(words[0].max()) // 10**scale
    return len(str(whole)) if whole else 0


def _groups(digits: int) -> int:
    return -(-digits // _BASE_DIGITS)


def _magnitudes(values: pa.Array) -> tuple[npt.NDArray[np.bool_], list[Words]]:
    """Which numbers are negative, and the words of all without their sign, the lowest first.

    A number that fits into 64 bits is a single word.
    """
    if values.type.precision <= _DIGITS_OF_A_WORD:
        pairs = np.frombuffer(values.buffers()[1], dtype="<i8").reshape(-1, 2)
        numbers = pairs[values.offset : values.offset + len(values), 0]
        return numbers < 0, [np.abs(numbers).view(np.uint64)]
    count = values.type.bit_width // _WORD_BITS
    kept = np.frombuffer(values.buffers()[1], dtype="<u4").reshape(-1, count)
    words = [kept[values.offset : values.offset + len(values), at].astype(np.uint64) for at in range(count)]
    negative = words[-1] >= 1 << 31
    carry = negative.astype(np.uint64)
    for at in range(count):  # what is below zero is kept as its complement, plus one
        word = np.where(negative, words[at] ^ np.uint64(0xFFFFFFFF), words[at]) + carry
        words[at], carry = word & np.uint64(0xFFFFFFFF), word >> np.uint64(32)
    while len(words) > 1 and not words[-1].any():
        words.pop()
    return negative, words


def _take_digits(words: list[Words], base: int) -> Words:
    """Divide numbers by a base, in place; the remainders."""
    remainder = np.zeros_like(words[0])
    for at in reversed(range(len(words))):
        both = (remainder << np.uint64(32)) | words[at] if len(words) > 1 else words[at]
        words[at] = both // np.uint64(base)  # a single divisor makes this faster than both at once
        remainder = both - words[at] * np.uint64(base)
    while len(words) > 1 and not words[-1].any():
        words.pop()
    return remainder
