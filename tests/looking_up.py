"""A world for the judge that is made of keys in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Columns, Mask
from rowferry.judging.circular_rows import CircularRows
from rowferry.judging.lookups import Holders


@dataclass(frozen=True)
class KeysInMemory:
    """Implements Lookups: tables hold these keys, whatever the column; nothing is unique in them, or checked."""

    keys: Mapping[str, Collection[object]] = field(default_factory=dict)

    def referred_types(self, reference: Reference) -> list[pa.DataType]:
        key = next(iter(self.keys[reference.parent]), 0)
        return [pa.scalar(value).type for value in (key if isinstance(key, tuple) else (key,))]

    def existing(self, table: str, column: str, values: list[object]) -> list[object]:
        return [value for value in values if value in self.keys[table]]

    def next_keys(self, table: str, column: str, after: int, most: int) -> pa.Int64Array:
        found = sorted(value for value in self.keys[table] if isinstance(value, int) and value > after)
        return pa.array(found[:most], pa.int64())

    def existing_together(self, table: str, rows: pa.RecordBatch) -> list[int]:
        columns = [column.to_pylist() for column in rows.columns]
        return [at for at, key in enumerate(zip(*columns, strict=True)) if key in self.keys[table]]

    def accepted(self, reference: Reference, key: Columns) -> Mask | None:
        return None

    def given_away(self, reference: Reference, key: Columns) -> Mask:
        return np.zeros(len(key[0]), dtype=np.bool_)

    def circular(self, rules: TableRules) -> CircularRows | None:
        return None

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        return []

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        return []

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        return []
