"""Where rejected rows wait until their load ends: on disk, so that they may be many, and unseen by others."""

import heapq
import json
import pickle
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.streams.candidate_keys import duplicate
from rowferry.streams.places import Places
from rowferry.streams.rows import RejectedRow
from rowferry.streams.taken_keys import TakenKeys

_CREATE = """
CREATE TABLE rejects (number INTEGER PRIMARY KEY, run INTEGER, rows BLOB);
CREATE TABLE repeated (key PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE firsts (key PRIMARY KEY, row_number INTEGER) WITHOUT ROWID;
BEGIN;
"""

_Kept = tuple[int, str, str, tuple[int | str, ...]]
"""Of one row: its number, the row as it stood, its faults as JSON, and the keys that earlier rows have taken."""


class RejectSink:
    """The rejected rows of one source; a temporary database, gone with the process."""

    def __init__(self, rules: TableRules, places: Places) -> None:
        self._rules, self._places = rules, places
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_CREATE)
        self._by_codes: Counter[tuple[int, tuple[RejectCode, ...]]] = Counter()
        self._run, self._last = 0, 0
        self.count = 0

    def add(self, rows: Sequence[RejectedRow]) -> None:
        """Keep rejected rows, which ascend by row number."""
        files = self._places.files_of(np.array([row.row_number for row in rows])).tolist()
        codes = (tuple([fault.code for fault in row.faults]) for row in rows)
        self._by_codes.update(zip(files, codes, strict=True))
        # One record for all: the driver lets go of the interpreter's lock with each, while other threads want it.
        kept = [(row.row_number, row.raw, _spelled(row.faults), row.duplicate_of) for row in rows]
        if kept[0][0] < self._last:
            self._run += 1
        self._database.execute("INSERT INTO rejects (run, rows) VALUES (?, ?)", (self._run, pickle.dumps(kept)))
        keys = [(key,) for row in rows for key in row.duplicate_of]
        self._database.executemany("INSERT OR IGNORE INTO repeated VALUES (?)", keys)
        self._last = kept[-1][0]
        self.count += len(kept)

    def counts(self) -> list[tuple[int, dict[str, int]]]:
        """Of each file, how many rows are rejected, and how many have each code among their faults."""
        found: list[Counter[str]] = [Counter() for _ in self._places.names]
        rows: Counter[int] = Counter()
        for (file, codes), count in self._by_codes.items():
            rows[file] += count
            found[file].update(dict.fromkeys(map(str, codes or (RejectCode.DUPLICATE,)), count))
        return [(rows[file], dict(sorted(by_code.items()))) for file, by_code in enumerate(found)]

    def count_only(self, code: RejectCode) -> int:
        """How many rows have no other faults than of this code."""
        return sum(count for (_, codes), count in self._by_codes.items() if set(codes) == {code})

    def name_first_rows(self, taken: TakenKeys) -> None:
        """Find which rows took the keys of each duplicate, once all rows were judged."""
        if any(not codes for _, codes in self._by_codes):
            keys = (key for (key,) in self._database.execute("SELECT key FROM repeated"))
            self._database.executemany("INSERT INTO firsts VALUES (?, ?)", taken.first_rows(keys))

    def __iter__(self) -> Iterator[tuple[str, int, str, str]]:
        """All rejected rows in order: the file, the number there, the row as it stood, its faults as JSON."""
        for row_number, raw, faults, keys in heapq.merge(*map(self._rows, range(self._run + 1))):
            yield (
                *self._places.place(row_number),
                raw,
                _spelled([self._duplicate(key) for key in keys]) if keys else faults,
            )

    def close(self) -> None:
        self._database.close()

    def _rows(self, run: int) -> Iterator[_Kept]:
        """The rows that were added one after the other, ascending."""
        find = "SELECT rows FROM rejects WHERE run = ? ORDER BY number"
        for (rows,) in self._database.execute(find, (run,)):
            yield from pickle.loads(rows)  # noqa: S301  # which this process has kept

    def _duplicate(self, key: int | str) -> Fault:
        first = self._database.execute("SELECT row_number FROM firsts WHERE key = ?", (key,)).fetchone()[0]
        return duplicate(self._rules, key, self._places.spelled(first))


def _spelled(faults: Sequence[Fault]) -> str:
    """Faults as JSON."""
    return f"[{', '.join([_begun(one.column, one.code) + json.dumps(one.message) + '}' for one in faults])}]"


@lru_cache(1_024)
def _begun(column: str | None, code: RejectCode) -> str:
    """A fault as JSON up to its message; many have the same column and code."""
    return json.dumps(Fault(column, code, "").as_dict()).removesuffix('""}')
