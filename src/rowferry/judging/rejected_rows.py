"""Rejected rows as columns: numbers, texts as they stood, faults as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.judging.candidate_keys import Int64s, Repeated
from rowferry.judging.found_faults import bit_of, joined_faults, json_of
from rowferry.judging.rows import RejectedRow

_DUPLICATE = bit_of(RejectCode.DUPLICATE)


@dataclass(frozen=True)
class RejectedRows:
    """Rows by ascending number; `codes` are those of each row as one number.

    `keys` are, of a row without other faults, those that earlier rows have taken, as numbers or as texts; which rows
    those were is found when the source has ended, and only then `errors` says so.
    """

    numbers: Int64s
    raws: pa.StringArray
    errors: pa.StringArray
    codes: Int64s
    keys: pa.ListArray

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[RejectedRow]:
        columns = self.numbers.tolist(), self.raws.to_pylist(), self.errors.to_pylist(), self.keys.to_pylist()
        for number, raw, errors, keys in zip(*columns, strict=True):
            faults = (Fault(one["column"], one["code"], one["message"]) for one in json.loads(errors))
            yield RejectedRow(number, raw, tuple(faults), tuple(keys))

    def first(self, count: int) -> "RejectedRows":
        """The first rows."""
        kept = (column[:count] for column in (self.numbers, self.raws, self.errors, self.codes, self.keys))
        return RejectedRows(*kept)

    @classmethod
    def of(cls, rows: Sequence[RejectedRow]) -> "RejectedRows":
        """Some rows as columns."""
        codes = [_codes(row.faults) if row.faults else _DUPLICATE for row in rows]
        return cls(
            numbers=np.array([row.row_number for row in rows], dtype=np.int64),
            raws=pa.array([row.raw for row in rows], pa.string()),
            errors=pa.array([f"[{', '.join(map(json_of, row.faults))}]" for row in rows], pa.string()),
            codes=np.array(codes, dtype=np.int64),
            keys=_lists([row.duplicate_of for row in rows]),
        )

    @classmethod
    def found(cls, numbers: Int64s, raws: pa.Array, errors: pa.Array, codes: Int64s) -> "RejectedRows":
        """Rows with faults of their own."""
        nothing = as_arrow(np.zeros(len(numbers) + 1, dtype=np.int32))
        return cls(numbers, raws, errors, codes, pa.ListArray.from_arrays(nothing, pa.array([], pa.int64())))

    @classmethod
    def duplicates(cls, numbers: Int64s, raws: pa.Array, repeated: Repeated) -> "RejectedRows":
        """Rows some of whose keys were taken."""
        many = len(numbers)
        errors = joined_faults(pa.repeat(pa.scalar("", pa.string()), many), np.arange(many))
        return cls(numbers, raws, errors, np.full(many, _DUPLICATE), _lists(list(repeated.values())))

    def merged(self, other: "RejectedRows") -> "RejectedRows":
        """These rows and others, ascending."""
        if not (len(self) and len(other)):
            return self if len(self) else other
        numbers = np.concatenate([self.numbers, other.numbers])
        order = np.argsort(numbers, kind="stable")
        kind = (self if len(self.keys.values) else other).keys.type
        keys = pa.concat_arrays([pc.cast(one.keys, kind) for one in (self, other)])
        return RejectedRows(
            numbers[order],
            pc.take(pa.concat_arrays([self.raws, other.raws]), as_arrow(order)),
            pc.take(pa.concat_arrays([self.errors, other.errors]), as_arrow(order)),
            np.concatenate([self.codes, other.codes])[order],
            pc.take(keys, as_arrow(order)),
        )


def _codes(faults: Sequence[Fault]) -> int:
    found = 0
    for fault in faults:
        found |= bit_of(fault.code)
    return found


def _lists(keys: Sequence[tuple[int | str, ...]]) -> pa.ListArray:
    flat = [key for each in keys for key in each]
    kind = pa.string() if flat and isinstance(flat[0], str) else pa.int64()
    ends = np.cumsum([0, *map(len, keys)]).astype(np.int32)
    return pa.ListArray.from_arrays(as_arrow(ends), pa.array(flat, kind))
