"""Rejected rows as columns: numbers, texts as they stood, faults as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rowferry.dictionary.faults import Fault
from rowferry.judging.candidate_keys import Int64s
from rowferry.judging.found_faults import bit_of, json_of
from rowferry.judging.rows import RejectedRow


@dataclass(frozen=True)
class RejectedRows:
    """Rows by ascending number, with all that is wrong with them; `codes` are those of each row as one number."""

    numbers: Int64s
    raws: pa.StringArray
    errors: pa.StringArray
    codes: Int64s

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[RejectedRow]:
        columns = self.numbers.tolist(), self.raws.to_pylist(), self.errors.to_pylist()
        for number, raw, errors in zip(*columns, strict=True):
            yield RejectedRow(number, raw, tuple(Fault(**fault) for fault in json.loads(errors)))

    def first(self, count: int) -> "RejectedRows":
        """The first rows."""
        return RejectedRows(self.numbers[:count], self.raws[:count], self.errors[:count], self.codes[:count])

    @classmethod
    def of(cls, rows: Sequence[RejectedRow]) -> "RejectedRows":
        """Some rows as columns."""
        return cls(
            numbers=np.array([row.row_number for row in rows], dtype=np.int64),
            raws=pa.array([row.raw for row in rows], pa.string()),
            errors=pa.array([f"[{', '.join(map(json_of, row.faults))}]" for row in rows], pa.string()),
            codes=np.array([_codes(row.faults) for row in rows], dtype=np.int64),
        )


def _codes(faults: Sequence[Fault]) -> int:
    found = 0
    for fault in faults:
        found |= bit_of(fault.code)
    return found
