"""Which keys the accepted rows of one source have taken, in bounded memory, exactly."""

import json
import sqlite3
import tempfile
from array import array
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap64

from rowferry.dictionary.kinds import INTEGER
from rowferry.dictionary.rules import TableRules

Mask = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]

_LOG_RUNS = 1 << 17


class TakenKeys(Protocol):
    """Keys with the row that took each of them."""

    def take(self, key: list[pa.Array], row_numbers: Int64s) -> Mask:
        """Take keys for rows, in their order; marks the rows whose key an earlier row has taken."""

    def spelled(self, key: list[pa.Array], position: int) -> int | str:
        """The key of one row, in the form in which `first_rows` knows it."""

    def first_rows(self, keys: Iterator[int | str]) -> Iterator[tuple[int | str, int]]:
        """Of each of the keys, which differ and were all taken: the key, and the number of the row that took it."""

    def holds(self, keys: pa.Array) -> Mask:
        """Which of these keys of a single column are taken."""

    def close(self) -> None:
        """Give back the disk space."""


def taken_keys(rules: TableRules) -> TakenKeys:
    """An empty set of keys for a table."""
    single = rules.by_name[rules.key[0]] if len(rules.key) == 1 else None
    return IntegerKeys() if single and single.kind is INTEGER else StoredKeys()


class IntegerKeys:
    """Keys of one integer column: a compressed bitmap, and on disk a log of who took what.

    The log has runs, in which the key and the row number rise by one: first key, first row number, length.
    """

    def __init__(self) -> None:
        self._bits = BitMap64()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as this object
        self._highest = np.iinfo(np.int64).min

    def take(self, key: list[pa.Array], row_numbers: Int64s) -> Mask:
        keys = _int64(key[0])
        taken = np.zeros(len(keys), dtype=np.bool_)
        if not len(keys):
            return taken
        highest = np.maximum(np.maximum.accumulate(keys), self._highest)
        rises = keys > np.concatenate(([self._highest], highest[:-1]))
        if not rises.all():
            # What rises is new. The rest is new, too, if it is neither among what rose nor among itself nor of old.
            taken[~rises] = self._repeated(keys[~rises]) | _is_among(keys[~rises], keys[rises])
            keys, row_numbers = keys[~taken], row_numbers[~taken]
        if len(keys):
            self._add(keys, row_numbers)
            self._highest = int(highest[-1])
        return taken

    def spelled(self, key: list[pa.Array], position: int) -> int:
        return int(key[0][position].as_py())

    def first_rows(self, keys: Iterator[int | str]) -> Iterator[tuple[int | str, int]]:
        wanted = np.sort(np.fromiter(keys, dtype=np.int64))
        self._log.flush()
        self._log.seek(0)
        while len(runs := np.fromfile(self._log, dtype=np.int64, count=3 * _LOG_RUNS).reshape(-1, 3)):
            begins = np.searchsorted(wanted, runs[:, 0])
            many = np.searchsorted(wanted, runs[:, 0] + runs[:, 2] - 1, side="right") - begins
            run = np.repeat(np.arange(len(runs)), many)
            found = wanted[begins[run] + np.arange(len(run)) - (np.cumsum(many) - many)[run]]
            yield from zip(found.tolist(), (found - runs[run, 0] + runs[run, 1]).tolist(), strict=True)

    def holds(self, keys: pa.Array) -> Mask:
        wanted = _int64(keys)
        hits = np.array(list(self._bits & _bitmap(wanted)), dtype=np.uint64).view(np.int64)
        return np.isin(wanted, hits)

    def close(self) -> None:
        self._log.close()

    def _add(self, keys: Int64s, row_numbers: Int64s) -> None:
        goes_on = (np.diff(keys) == 1) & (keys[1:] > keys[:-1]) & (np.diff(row_numbers) == 1)
        begins = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
        lengths = np.diff(begins, append=len(keys))
        self._log.write(np.stack((keys[begins], row_numbers[begins], lengths), axis=1).tobytes())
        if len(begins) == 1 and keys[0] >= 0:
            self._bits.add_range(int(keys[0]), int(keys[-1]) + 1)
        else:
            self._bits |= _bitmap(keys)

    def _repeated(self, keys: Int64s) -> Mask:
        order = np.argsort(keys, kind="stable")
        in_order = keys[order]
        repeated = np.zeros(len(keys), dtype=np.bool_)
        repeated[order[1:]] = in_order[1:] == in_order[:-1]
        if seen := self._bits & _bitmap(in_order):
            repeated |= np.isin(keys, np.array(list(seen), dtype=np.uint64).view(np.int64))
        return repeated


class StoredKeys:
    """Keys of any other kind, or of several columns: a temporary database on disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE keys (key TEXT PRIMARY KEY, row_number INTEGER) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def take(self, key: list[pa.Array], row_numbers: Int64s) -> Mask:
        insert = "INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING"
        spelled = _spelled(key)
        rows = zip(spelled, row_numbers.tolist(), strict=True)
        return np.array([self._database.execute(insert, row).rowcount == 0 for row in rows], dtype=np.bool_)

    def spelled(self, key: list[pa.Array], position: int) -> str:
        return _spelled([column.slice(position, 1) for column in key])[0]

    def first_rows(self, keys: Iterator[int | str]) -> Iterator[tuple[int | str, int]]:
        for key in keys:
            yield key, self._database.execute("SELECT row_number FROM keys WHERE key = ?", (key,)).fetchone()[0]

    def holds(self, keys: pa.Array) -> Mask:
        find = "SELECT EXISTS (SELECT 1 FROM keys WHERE key = ?)"
        return np.array(
            [self._database.execute(find, (key,)).fetchone()[0] for key in _spelled([keys])], dtype=np.bool_
        )

    def close(self) -> None:
        self._database.close()


def _is_among(keys: Int64s, ascending: Int64s) -> Mask:
    at = np.searchsorted(ascending, keys)
    return np.asarray(np.append(ascending, 0)[at] == keys) & (at < len(ascending))


def _int64(column: pa.Array) -> Int64s:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _bitmap(keys: Int64s) -> BitMap64:
    return BitMap64(array("Q", np.ascontiguousarray(keys).tobytes()))


def _spelled(key: list[pa.Array]) -> list[str]:
    # Of zero there is one, whatever sign it has.
    columns = [pc.add(column, 0.0) if pa.types.is_floating(column.type) else column for column in key]
    return [json.dumps(values, default=str) for values in zip(*(column.to_pylist() for column in columns), strict=True)]
