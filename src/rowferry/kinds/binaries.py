r"""Bytes, spelled as PostgreSQL does: \x and two hexadecimal digits for each.

Base64 and bare digits are no spelling here, as one may be taken for the other.
"""

import re
from types import MappingProxyType, NoneType
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import bits_of, letters_of
from rowferry.arrow.masks import Mask
from rowferry.kinds import hexadecimal
from rowferry.kinds.kind import InSqlite, Kind
from rowferry.kinds.unfit import UnfitError

_GRAMMAR = re.compile(r"\\x((?:[0-9A-Fa-f]{2})*)", re.ASCII)
_PREFIX = rb"\x"


class Binary(Kind):
    """Bytes, none of which means anything."""

    name = "bytes"
    noun = r"bytes (\x and two hexadecimal digits for each)"
    sql_types = (sql.LargeBinary, sql.BINARY, sql.VARBINARY)
    json_schema = str
    json_limits = MappingProxyType({"pattern": r"^\\x([0-9A-Fa-f]{2})*$"})
    example = r"\xdeadbeef"
    kept = "The bytes, of which there may be none. They are no key, reference or unique value."
    tells_apart = False
    text_of_postgresql = "encode({}, 'hex')"
    sqlite = InSqlite(classes=frozenset({bytes, NoneType}), spoiled_by=(), left_alone_by=(), unusual="0", joined=None)

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.binary()

    def avro(self, arrow: pa.DataType) -> str:
        return "bytes"

    def avro_default(self, value: Any, arrow: pa.DataType) -> str:
        return bytes(value).decode("latin-1")

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        return pc.cast(values, arrow) if pa.types.is_fixed_size_binary(values.type) else values

    def parse(self, text: str) -> bytes:
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise UnfitError
        return bytes.fromhex(found[1])

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all that fits the grammar."""
        offsets, letters = letters_of(texts)
        lengths = np.diff(offsets)
        sure = (lengths >= len(_PREFIX)) & (lengths % 2 == 0)
        at = offsets[:-1][sure]
        sure[sure] = (letters[at] == _PREFIX[0]) & (letters[at + 1] == _PREFIX[1])
        digits = hexadecimal.values_of(letters)
        prefixes = offsets[:-1][sure]
        digits[prefixes] = digits[prefixes + 1] = 0
        wrong = np.append(0, np.cumsum(digits == hexadecimal.NO_DIGIT))
        sure &= wrong[offsets[1:]] == wrong[offsets[:-1]]
        kept = np.repeat(sure, lengths)
        kept[prefixes] = kept[prefixes + 1] = False
        return _binary(digits[kept], np.where(sure, lengths - len(_PREFIX), 0), sure), sure

    def characters(self, length: int) -> int:
        return len(_PREFIX) + 2 * length

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        return pc.is_valid(values) if values.type == arrow else None

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return isinstance(value, bytes)

    def spell(self, value: Any) -> str:
        return rf"\x{value.hex()}"

    def to_json(self, value: Any) -> str:
        return self.spell(bytes(value))

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "bytea"

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        offsets, letters = letters_of(sent)
        valid = np.asarray(pc.is_valid(sent).to_numpy(zero_copy_only=False), dtype=np.bool_)
        return _binary(hexadecimal.values_of(letters), np.diff(offsets), valid)

    def widest(self, *size: int) -> pa.DataType:
        return pa.binary()

    def from_sqlite(self, stored: Any, arrow: pa.DataType) -> bytes:
        if not isinstance(stored, bytes):
            raise UnfitError
        return stored


def _binary(digits: hexadecimal.Bytes, lengths: Any, valid: Mask) -> pa.BinaryArray:
    """Bytes of digits, given by what they count, so many for each value."""
    ends = np.append(0, np.cumsum(lengths // 2)).astype(np.int32)
    buffers = [bits_of(valid), pa.py_buffer(ends), pa.py_buffer(hexadecimal.paired(digits).tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)


BINARY = Binary()
