"""Values in another type, as far as it has the same ones."""

import pyarrow as pa

from rowferry.arrow import compute as pc

_WIDEST = pa.decimal128(38, 0)
"""Any integer fits; to fewer digits, Arrow only casts decimals, whatever the integers are."""


def same_values(values: pa.Array, to: pa.DataType) -> pa.Array:
    """Values in another type, null where it has not the same value."""
    if values.type == to:
        return values
    try:
        return _cast(values, to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        encoded = pc.dictionary_encode(values)
        found = [_single(encoded.dictionary[at : at + 1], to) for at in range(len(encoded.dictionary))]
        return pc.take(pa.chunked_array(found, to).combine_chunks(), encoded.indices)


def _single(value: pa.Array, to: pa.DataType) -> pa.Array:
    try:
        return _cast(value, to)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(1, to)


def _cast(values: pa.Array, to: pa.DataType) -> pa.Array:
    """Values in another type, null where it has no such value; pa.ArrowInvalid if Arrow sees that one would change."""
    found = _nearest(values, to)
    if not _changes_unseen(values.type, to):
        return found
    same = pc.equal(_nearest(found, values.type), values)
    if pa.types.is_floating(values.type):
        same = pc.or_(same, pc.invert(pc.is_finite(values)))
    return pc.if_else(same, found, pa.scalar(None, to))


def _nearest(values: pa.Array, to: pa.DataType) -> pa.Array:
    if pa.types.is_integer(values.type) and pa.types.is_decimal(to):
        values = pc.cast(values, _WIDEST)
    if pa.types.is_decimal(values.type) and pa.types.is_floating(to):
        values = pc.cast(values, pa.string())  # of 1.50000, Arrow itself makes 1.5000000000000002
    return pc.cast(values, to)


def _changes_unseen(of: pa.DataType, to: pa.DataType) -> bool:
    """Whether Arrow rounds values of a type without a word; a decimal is equal to the float that is nearest to it."""
    if pa.types.is_floating(of):
        return bool(pa.types.is_floating(to) or pa.types.is_decimal(to))
    return bool(pa.types.is_timestamp(of) and pa.types.is_date(to))
