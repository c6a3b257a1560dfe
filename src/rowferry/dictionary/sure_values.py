"""The fast reading of whole columns of texts: where a value is sure, it is the one that the judge of its kind finds.

It may only be *sure* or silent (docs/decisions/0002-one-judge-two-speeds.md). Values that are not sure are null.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.dictionary import compute as pc
from rowferry.dictionary.arrays import as_arrow, bits_of, letters_of

Mask = npt.NDArray[np.bool_]


def only(texts: pa.StringArray, sure: Mask) -> pa.StringArray:
    """The texts that are sure, and null for the others; no letter is copied."""
    if sure.all():
        return texts
    if texts.null_count:
        sure = sure & _mask(pc.is_valid(texts))
    _, ends, letters = texts.buffers()
    places = ends.slice(4 * texts.offset, 4 * (len(texts) + 1))
    return pa.StringArray.from_buffers(len(texts), places, letters, bits_of(sure))


def read_integers(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of digits, with or without a minus sign before them, that fit the type."""
    sure = _digits_only(texts)
    long = sure & (np.diff(letters_of(texts)[0]) > _SURE_DIGITS[arrow.bit_width])
    if long.any():
        sure[long] = _fits(pc.where(texts, as_arrow(long)), arrow)
    return pc.cast(only(texts, sure), arrow), sure


_SURE_DIGITS = {16: 4, 32: 9, 64: 18}
"""As many digits fit a type of so many bits, whatever they are."""


def _fits(texts: pa.StringArray, arrow: pa.DataType) -> Mask:
    """Which whole numbers fit a type; silent about all of them if one does not fit 64 bits."""
    try:
        values = pc.cast(texts, pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return np.zeros(len(texts), dtype=np.bool_)
    least, most = -(2 ** (arrow.bit_width - 1)), 2 ** (arrow.bit_width - 1) - 1
    return np.asarray((values >= least) & (values <= most))


def _digits_only(texts: pa.StringArray) -> Mask:
    """Where a text is one or more digits, with or without a minus sign before them."""
    offsets, letters = letters_of(texts)
    lengths = np.diff(offsets)
    fit = lengths > 0
    others = np.flatnonzero(letters - ord("0") > 9)  # what is less than 0 wraps around
    if len(others):
        row = np.searchsorted(offsets, others, side="right") - 1
        is_sign = (letters[others] == ord("-")) & (others == offsets[row]) & (lengths[row] > 1)
        fit[row[~is_sign]] = False
    return np.asarray(fit)


# Every day but 29 February of the years 1000 to 2999: what Arrow's reader of ISO 8601 takes without failing.
_SURE_DAY = (
    r"^[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_SURE_TIME = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_SURE_ZONED = _SURE_DAY + _SURE_TIME + r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$"
_SURE_BARE = _SURE_DAY + _SURE_TIME + "$"


def read_datetimes(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of the grammar's forms in the years 1000 to 2999, but for 29 February."""
    usual = _usual_instants(texts)
    if usual.sum() * 10 >= len(texts) * 9:
        return pc.cast(only(texts, usual), arrow), usual
    zoned = _mask(pc.match_substring_regex(texts, pattern=_SURE_ZONED))
    bare = _mask(pc.match_substring_regex(texts, pattern=_SURE_BARE))
    of_zoned = pc.cast(only(texts, zoned), arrow)
    of_bare = pc.as_instants(pc.cast(only(texts, bare), pa.timestamp("us")), arrow)
    return pc.coalesce(of_zoned, of_bare), zoned | bare


_USUAL = len("2021-11-07T02:48:42Z")
_LEAST = np.frombuffer(b"1000-00-00T00:00:00Z", dtype=np.uint8)
_MOST = np.frombuffer(b"2999-19-39T29:59:59Z", dtype=np.uint8)
_LAST_DAYS = np.zeros(256, dtype=np.uint8)
_LAST_DAYS[1:13] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def _usual_instants(texts: pa.StringArray) -> Mask:
    """Where a text is like 2021-11-07T02:48:42Z, in the years 1000 to 2999; 29 February is left out."""
    usual = np.asarray(np.diff(letters_of(texts)[0]) == _USUAL)
    among = texts if usual.all() else pc.where(texts, as_arrow(usual))
    grid = letters_of(among)[1].reshape(-1, _USUAL)
    unlike = np.flatnonzero((grid < _LEAST) | (grid > _MOST)) // _USUAL
    month, day, hour = (10 * (grid[:, at] & 0x0F) + (grid[:, at + 1] & 0x0F) for at in (5, 8, 11))
    wrong = (day > _LAST_DAYS[month]) | (day == 0) | (hour > 23)
    wrong[unlike] = True
    usual[np.flatnonzero(usual)[wrong]] = False
    return usual


def read_texts(texts: pa.StringArray, _arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of every text: sources leave rows with NUL or undecodable bytes out of their columns."""
    return texts, np.ones(len(texts), dtype=np.bool_)


def read_none(texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
    """Sure of nothing."""
    return pa.nulls(len(texts), arrow), np.zeros(len(texts), dtype=np.bool_)


def plainly_text(texts: pa.StringArray, max_length: int | None) -> Mask:
    """Where a text has something to read in it, and is not too long."""
    offsets, letters = letters_of(texts)
    lengths = np.diff(offsets)
    sure = lengths > 0
    first = letters[offsets[:-1][sure]]
    sure[sure] = (first > ord(" ")) & (first < 0x7F)
    doubtful = (lengths > 0) & ~sure
    if doubtful.any():
        sure[doubtful] = ~_mask(pc.utf8_is_space(pc.where(texts, as_arrow(doubtful))))
    long = lengths > (max_length or np.inf)
    if long.any():
        sure[long] &= _mask(pc.less_equal(pc.utf8_length(pc.where(texts, as_arrow(long))), max_length))
    return np.asarray(sure)


def _mask(found: pa.BooleanArray) -> Mask:
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)
