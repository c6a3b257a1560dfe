"""The fields of an Avro file's rows as its writer declared them, and the decoding of its blocks into Arrow arrays.

Blocks are decoded by Apache's arrow-avro. It is shown no schema but one made here, of the plainest types, since it is
lenient; what a type means beyond its encoding is done here.
"""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import letters_of
from rowferry.avro import library
from rowferry.avro.codecs import UnsoundBlockError
from rowferry.avro.container import SYNC_BYTES, Header, spell_block, spell_header
from rowferry.avro.nested import Cutter, Step, Types, UnknownTypeError
from rowferry.kinds.registry import KINDS

MAX_BLOCK_VALUES = 8 * 1024 * 1024
"""How many values a block may have: null takes a byte in it, and up to sixteen in memory."""

_MAX_FIELDS = 4096
_NO_SYNC = bytes(SYNC_BYTES)
_NAME = re.compile(r"[^\0\ud800-\udfff]{1,1024}", re.DOTALL)

_LEAST_BYTES = {"boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1, "enum": 1}
_ENCODED_AS = {"string": "bytes", "enum": "int"}
_LOGICAL = {types: arrow for kind in KINDS for types, arrow in kind.avro_logical.items()}
_SHORT_BYTES, _LONG_BYTES = 16, 32
_SHORT_PRECISION, _MAX_PRECISION = 38, 76
"""Of decimals that take so many bytes."""


class UnfitSchemaError(ValueError):
    """The schema is sound, but not that of a table's rows; the message says why."""


@dataclass(frozen=True)
class Field:
    """One field: `null_at` says which branch of its union is null, if it has one.

    The values of one that is `nested`, which no column can take, are never decoded; `step` leads over them.
    """

    name: str
    primitive: str
    logical: dict[str, Any] = field(default_factory=dict)
    null_at: int | None = None
    nested: bool = False
    step: Step | None = field(default=None, compare=False)

    @property
    def is_stored(self) -> bool:
        """Whether its values take room in a block, and are decoded."""
        return self.primitive != "null" and not self.nested

    @property
    def least_bytes(self) -> int:
        """How many bytes a value takes at least."""
        if not self.is_stored:
            return 0
        if self.null_at is not None:
            return 1
        return int(self.logical["size"]) if self.primitive == "fixed" else _LEAST_BYTES[self.primitive]

    def encoded_as(self, position: int) -> Any:
        """A type that is encoded in the same way, and means nothing."""
        plain: Any = _ENCODED_AS.get(self.primitive, self.primitive)
        if self.primitive == "fixed":
            plain = {"type": "fixed", "name": f"fixed{position}", "size": self.logical["size"]}
        if self.null_at is None:
            return plain
        return ["null", plain] if self.null_at == 0 else [plain, "null"]


def fields_of(schema: Any) -> list[Field]:
    """The fields of a record.

    Raises:
        UnfitSchemaError: It is no record, or one that is no row of a table.
    """
    if not isinstance(schema, dict) or schema.get("type") != "record" or not isinstance(schema.get("fields"), list):
        raise UnfitSchemaError("its schema is not a record schema")
    if len(schema["fields"]) > _MAX_FIELDS:
        raise UnfitSchemaError(f"its rows have more than {_MAX_FIELDS} fields")
    try:
        types = Types(schema)
        found = [_field(field, types) for field in schema["fields"]]
    except UnknownTypeError as error:
        raise UnfitSchemaError("one of its types is nested too deeply or unknown") from error
    if sum(field.least_bytes for field in found) == 0:
        raise UnfitSchemaError("its rows have no fields")
    if len({field.name for field in found}) < len(found):
        raise UnfitSchemaError("two of its fields have the same name")
    return found


def _field(declared: Any, types: Types) -> Field:
    name = declared.get("name") if isinstance(declared, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UnfitSchemaError("one of its fields has no valid name")
    avro, null_at = types.resolved(declared.get("type")), None
    try:
        step = types.step(avro)
    except UnknownTypeError as error:
        raise UnfitSchemaError(f"its field {name} has an unknown type") from error
    if isinstance(avro, list):
        if len(avro) != 2 or avro.count("null") != 1:
            return Field(name, "union", nested=True, step=step)
        null_at = avro.index("null")
        avro = types.resolved(avro[1 - null_at])
    primitive, logical = (avro.get("type"), avro) if isinstance(avro, dict) else (avro, {})
    if primitive == "null":
        return Field(name, "null")
    if not isinstance(primitive, str) or primitive not in {*_LEAST_BYTES, "fixed"}:
        return Field(name, "nested", nested=True, step=step)
    _require_sound(name, primitive, logical)
    return Field(name, primitive, logical, null_at, step=step)


def _require_sound(name: str, primitive: str, logical: dict[str, Any]) -> None:
    size, symbols = logical.get("size"), logical.get("symbols")
    if primitive == "fixed" and not (isinstance(size, int) and 1 <= size <= 1 << 20):
        raise UnfitSchemaError(f"its field {name} has no valid size")
    if primitive == "enum" and not (isinstance(symbols, list) and all(isinstance(symbol, str) for symbol in symbols)):
        raise UnfitSchemaError(f"its field {name} has no valid symbols")
    if logical.get("logicalType") == "decimal":
        precision, scale = logical.get("precision"), logical.get("scale", 0)
        if not (isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision <= _MAX_PRECISION):
            raise UnfitSchemaError(f"its field {name} is a decimal of more than {_MAX_PRECISION} digits")


class BlockDecoder:
    """Decodes blocks of rows with the given fields; may be used by several threads at once."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = fields
        self._least_bytes = sum(field.least_bytes for field in fields)
        self._stored = [field for field in fields if field.is_stored]
        self._cutter = None
        if any(field.nested for field in fields):
            self._cutter = Cutter([(field.step, not field.nested) for field in fields if field.step])
        plain = [{"name": f"f{at}", "type": field.encoded_as(at)} for at, field in enumerate(self._stored)]
        schema = {"type": "record", "name": "row", "fields": plain}
        self._head = spell_header(Header(schema, "null", _NO_SYNC))

    def decode(self, rows: int, data: bytes) -> pa.RecordBatch:
        """The rows of a block that was inflated, as its writer meant them.

        Raises:
            UnsoundBlockError: They are not exactly so many, or not what their schema says.
        """
        if rows * self._least_bytes > len(data):
            raise UnsoundBlockError(f"it is too short for the {rows:,} rows that it claims to have")
        if rows * len(self.fields) > MAX_BLOCK_VALUES:
            raise UnsoundBlockError(f"it has more than {MAX_BLOCK_VALUES:,} values")
        if not rows and data:
            raise UnsoundBlockError("it contains more than its rows")
        if self._cutter:
            data = self._cutter.cut(rows, data)
        arrays = self._decode(rows, data) if rows else [pa.array([], _DECODED[f.primitive](f)) for f in self._stored]
        if rows and sum(_encoded_bytes(f, a) for f, a in zip(self._stored, arrays, strict=True)) != len(data):
            raise UnsoundBlockError("it contains more or less than its rows")
        columns = dict(zip((f.name for f in self._stored), map(_meant, self._stored, arrays), strict=True))
        return pa.RecordBatch.from_arrays(
            [columns.get(field.name, pa.nulls(rows)) for field in self.fields],
            names=[field.name for field in self.fields],
        )

    def _decode(self, rows: int, data: bytes) -> list[pa.Array]:
        file = spell_block(rows, data, _NO_SYNC, before=self._head)
        try:
            source = library.AvroSource([lambda: io.BytesIO(file)], False, False)
            # Only the first batch: where data is left behind its rows, the decoder would look for more for ever.
            batch = pa.record_batch(next(source.batch_iter(rows, None)))
        except StopIteration:
            raise UnsoundBlockError("its rows cannot be decoded") from None
        except Exception as error:  # the decoder knows several, SystemError among them
            raise UnsoundBlockError("its rows cannot be decoded") from error
        if batch.num_rows != rows:
            raise UnsoundBlockError(f"it contains {batch.num_rows:,} rows, but claims {rows:,}")
        return list(batch.columns)


_DECODED: dict[str, Callable[[Field], pa.DataType]] = {
    "boolean": lambda _: pa.bool_(),
    "int": lambda _: pa.int32(),
    "enum": lambda _: pa.int32(),
    "long": lambda _: pa.int64(),
    "float": lambda _: pa.float32(),
    "double": lambda _: pa.float64(),
    "bytes": lambda _: pa.binary(),
    "string": lambda _: pa.binary(),
    "fixed": lambda fixed: pa.binary(fixed.logical["size"]),
}
_SIZES = {"boolean": 1, "float": 4, "double": 8}


def _encoded_bytes(field: Field, values: pa.Array) -> int:
    """How many bytes the values take in a block, in the one spelling that writers use."""
    branches = 0 if field.null_at is None else len(values)
    present = pc.drop_null(values) if values.null_count else values
    if field.primitive == "fixed":
        return branches + len(present) * int(field.logical["size"])
    if field.primitive in _SIZES:
        return branches + len(present) * _SIZES[field.primitive]
    if pa.types.is_integer(present.type):
        return branches + _varint_bytes(present.to_numpy().astype(np.int64, copy=False))
    sizes = np.diff(letters_of(present)[0]).astype(np.int64)
    return branches + int(sizes.sum()) + _varint_bytes(sizes)


def _varint_bytes(values: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    total, limit = len(zigzag), 1 << 7
    highest = int(zigzag.max(initial=0))
    while limit <= highest:
        total += int((zigzag >= np.uint64(limit)).sum())
        limit <<= 7
    return total


def _meant(field: Field, values: pa.Array) -> pa.Array:
    """What decoded values mean: strings stay bytes here where one of them is not UTF-8."""
    logical = field.logical.get("logicalType")
    if field.primitive == "string":
        return _as_text(values)
    if field.primitive == "enum":
        return _symbols(field.logical["symbols"], values)
    if logical == "decimal" and field.primitive in ("bytes", "fixed"):
        return _decimals(values, field.logical.get("scale", 0))
    arrow = _LOGICAL.get((field.primitive, str(logical)))
    return values.view(arrow) if arrow else values


def _as_text(values: pa.BinaryArray) -> pa.Array:
    try:
        return pc.cast(values, pa.string())
    except pa.ArrowInvalid:
        return values


def _symbols(symbols: list[str], values: pa.Array) -> pa.Array:
    bounds = pc.min_max(values).as_py()
    if values.null_count < len(values) and not 0 <= bounds["min"] <= bounds["max"] < len(symbols):
        raise UnsoundBlockError("a value is not one of the symbols of its field")
    return pc.take(pa.array(symbols, pa.string()), values)


def _decimals(values: pa.Array, scale: int) -> pa.Array:
    """Unscaled whole numbers of up to 32 bytes, the highest first, as decimals."""
    values = pc.cast(values, pa.binary())
    offsets, letters = letters_of(values)
    starts, sizes = offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64)
    if sizes.max(initial=0) > _LONG_BYTES:
        raise UnsoundBlockError(f"a decimal is longer than {_MAX_PRECISION} digits")
    is_short = sizes.max(initial=0) <= _SHORT_BYTES and scale <= _SHORT_PRECISION
    width = _SHORT_BYTES if is_short else _LONG_BYTES
    signs = np.zeros(len(sizes), dtype=np.uint8)
    some = sizes > 0
    signs[some] = np.where(letters[starts[some]] > 0x7F, 0xFF, 0)
    places = np.repeat(signs[:, None], width, axis=1)
    for place in range(int(sizes.max(initial=0))):
        has = sizes > place
        places[has, place] = letters[(starts + sizes - 1 - place)[has]]
    valid = None if not values.null_count else pc.is_valid(values).buffers()[1]
    arrow = pa.decimal128(_SHORT_PRECISION, scale) if is_short else pa.decimal256(_MAX_PRECISION, scale)
    return pa.Array.from_buffers(arrow, len(values), [valid, pa.py_buffer(places.tobytes())])
