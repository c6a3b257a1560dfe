"""Fields that no column can take (records, arrays, maps, unions of several types): cut out of blocks, never decoded.

A file is made by others and may do harm: each step over a value takes at least a byte of the block or is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rowferry.avro.codecs import UnsoundBlockError

MAX_NESTED_BYTES = 16 * 1024 * 1024
"""How large a block may be that has such fields; they are passed over byte by byte."""

Step = Callable[[bytes, int], int]
"""From where a value begins in a block to where it ends."""

_MAX_DEPTH = 64
_LONGEST_VARINT = 10
_VARINTS, _SIZES = ("int", "long", "enum"), {"boolean": 1, "float": 4, "double": 8}


class UnknownTypeError(ValueError):
    """A schema has a type that the specification has not, or that is nowhere defined."""


class Types:
    """The types of a schema: what names stand for, and the step over a value of each."""

    def __init__(self, schema: Any) -> None:
        self._named = {
            str(declared_type["name"]).rpartition(".")[2]: declared_type for declared_type in _declared(schema)
        }
        self._records: dict[int, list[Step] | None] = {}

    def resolved(self, avro: Any) -> Any:
        """A type, or what its name stands for."""
        return self._named.get(avro.rpartition(".")[2], avro) if isinstance(avro, str) else avro

    def step(self, avro: Any) -> Step | None:
        """The step over a value of a type; None if it takes no room.

        Raises:
            UnknownTypeError: It is none of the specification's.
        """
        return self._step(avro, 0)

    def _step(self, avro: Any, depth: int) -> Step | None:
        if depth > _MAX_DEPTH:
            raise UnknownTypeError
        avro = self.resolved(avro)
        if isinstance(avro, list):
            return _over_union([self._step(branch, depth + 1) for branch in avro])
        declared = avro if isinstance(avro, dict) else {"type": avro}
        match declared.get("type"):
            case dict() | list() as inner:
                return self._step(inner, depth + 1)
            case "record" | "error":
                return self._over_record(declared, depth)
            case "array":
                return _over_items(self._step(declared.get("items"), depth + 1))
            case "map":
                values = self._step(declared.get("values"), depth + 1)
                return _over_items(_over_all([_over_bytes, values] if values else [_over_bytes]))
            case kind:
                return _over_plain(kind, declared)

    def _over_record(self, declared: dict[str, Any], depth: int) -> Step | None:
        """A record may have itself within: then its steps are noted before they are known."""
        if id(declared) in self._records:
            known = self._records[id(declared)]
            return None if known is None else _over_all(known)
        steps: list[Step] = []
        self._records[id(declared)] = steps
        fields = declared.get("fields")
        if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
            raise UnknownTypeError
        steps.extend(step for field in fields if (step := self._step(field.get("type"), depth + 1)))
        if not steps:
            self._records[id(declared)] = None
        return _over_all(steps) if steps else None


def _declared(avro: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """All types with a name that are declared in a type, itself included."""
    if depth > 2 * _MAX_DEPTH:
        raise UnknownTypeError
    if isinstance(avro, list):
        for branch in avro:
            yield from _declared(branch, depth + 1)
    if isinstance(avro, dict):
        if isinstance(avro.get("name"), str) and avro.get("type") in ("record", "error", "enum", "fixed"):
            yield avro
        for inner in (avro.get("type"), avro.get("items"), avro.get("values"), avro.get("fields")):
            yield from _declared(inner, depth + 1)


class Cutter:
    """Cuts nested fields out of blocks: for each field its step, and whether it stays."""

    def __init__(self, steps: Sequence[tuple[Step, bool]]) -> None:
        grouped = groupby(steps, key=itemgetter(1))
        self._steps = [(_over_all([step for step, _ in some]), stays) for stays, some in grouped]

    def cut(self, rows: int, data: bytes) -> bytes:
        """The same rows without these fields; UnsoundBlockError if they are not exactly so many."""
        if len(data) > MAX_NESTED_BYTES:
            raise UnsoundBlockError(f"it has nested fields, and more than {MAX_NESTED_BYTES:,} bytes")
        kept, at = [], 0
        try:
            for _ in range(rows):
                for step, stays in self._steps:
                    end = step(data, at)
                    if stays:
                        kept.append(data[at:end])
                    at = end
        except (IndexError, RecursionError) as error:
            raise UnsoundBlockError("its rows cannot be decoded") from error
        if at != len(data):
            raise UnsoundBlockError("it contains more or less than its rows")
        return b"".join(kept)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + place + 1
    raise UnsoundBlockError("a number is too long")


def _within(data: bytes, at: int, size: int) -> int:
    if size < 0 or size > len(data) - at:
        raise UnsoundBlockError("its rows cannot be decoded")
    return at + size


def _over_varint(data: bytes, at: int) -> int:
    return _varint(data, at)[1]


def _over_bytes(data: bytes, at: int) -> int:
    size, at = _varint(data, at)
    return _within(data, at, size)


def _over_plain(kind: object, declared: dict[str, Any]) -> Step | None:
    size = declared.get("size") if kind == "fixed" else _SIZES.get(str(kind))
    if kind == "null" or size == 0:
        return None
    if isinstance(size, int) and size > 0:
        return lambda data, at: _within(data, at, size)
    if kind in _VARINTS:
        return _over_varint
    if kind in ("bytes", "string"):
        return _over_bytes
    raise UnknownTypeError


def _over_all(steps: Sequence[Step]) -> Step:
    def over(data: bytes, at: int) -> int:
        for step in steps:
            at = step(data, at)
        return at

    return over


def _over_union(steps: Sequence[Step | None]) -> Step:
    def over(data: bytes, at: int) -> int:
        branch, at = _varint(data, at)
        if not 0 <= branch < len(steps):
            raise UnsoundBlockError("its rows cannot be decoded")
        step = steps[branch]
        return at if step is None else step(data, at)

    return over


def _over_items(step: Step | None) -> Step:
    """Over the blocks of an array or map, of which one with a negative count says its size."""

    def over(data: bytes, at: int) -> int:
        while True:
            count, at = _varint(data, at)
            if not count:
                return at
            if count < 0:
                size, at = _varint(data, at)
                at = _within(data, at, size)
            elif step is not None:
                _within(data, at, count)
                for _ in range(count):
                    at = step(data, at)

    return over
