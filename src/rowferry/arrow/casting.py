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
    """Values in another type; pa.ArrowInvalid if one of them would change, but for those that it only rounds."""
    if pa.types.is_integer(values.type) and pa.types.is_decimal(to):
        values = pc.cast(values, _WIDEST)
    found = pc.cast(values, to)
    if not (pa.types.is_floating(values.type) and pa.types.is_floating(to)):
        return found
    same = pc.or_(pc.equal(pc.cast(found, values.type), values), pc.invert(pc.is_finite(values)))
    return pc.if_else(same, found, pa.scalar(None, to))
