"""Where rejected rows wait until their load ends: on disk, so that they may be many, and unseen by others."""

import json
import sqlite3
from collections.abc import Iterable, Iterator

from rowferry.dictionary.faults import Fault, RejectCode
from rowferry.dictionary.rules import TableRules
from rowferry.streams.rows import RejectedRow
from rowferry.streams.taken_keys import TakenKeys

_CREATE = """
CREATE TABLE rejects (number INTEGER PRIMARY KEY, row_number INTEGER, raw TEXT, faults TEXT, key);
CREATE TABLE firsts (key PRIMARY KEY, row_number INTEGER) WITHOUT ROWID;
BEGIN;
"""


class RejectSink:
    """The rejected rows of one source; a temporary database, gone with the process.

    `by_code` counts the rows that have a code among their faults, `by_codes` those that have exactly these.
    """

    def __init__(self, rules: TableRules) -> None:
        self._rules = rules
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(_CREATE)
        self.count = 0
        self.by_code: dict[str, int] = {}
        self.by_codes: dict[frozenset[str], int] = {}

    def add(self, rows: Iterable[RejectedRow]) -> None:
        """Keep rejected rows."""
        stored = []
        for row in rows:
            codes = {fault.code for fault in row.faults} or {RejectCode.DUPLICATE}
            for code in codes:
                self.by_code[code] = self.by_code.get(code, 0) + 1
            together = frozenset(codes)
            self.by_codes[together] = self.by_codes.get(together, 0) + 1
            faults = json.dumps([fault.as_dict() for fault in row.faults])
            stored.append((row.row_number, row.raw, faults, row.duplicate_of))
        self._database.executemany("INSERT INTO rejects (row_number, raw, faults, key) VALUES (?, ?, ?, ?)", stored)
        self.count += len(stored)

    def counts(self) -> dict[str, int]:
        """How many rows have each code among their faults."""
        return {str(code): count for code, count in sorted(self.by_code.items())}

    def name_first_rows(self, taken: TakenKeys) -> None:
        """Find which row took the key of each duplicate, once all rows were judged."""
        keys = (key for (key,) in self._database.execute("SELECT DISTINCT key FROM rejects WHERE key IS NOT NULL"))
        if RejectCode.DUPLICATE in self.by_code:
            self._database.executemany("INSERT INTO firsts VALUES (?, ?)", taken.first_rows(keys))

    def __iter__(self) -> Iterator[tuple[int, str, str]]:
        """All rejected rows by ascending row number: the number, the row as it stood, its faults as JSON."""
        found = self._database.execute(
            "SELECT r.row_number, raw, faults, r.key, f.row_number FROM rejects r LEFT JOIN firsts f ON f.key = r.key "
            "ORDER BY r.row_number"
        )
        for row_number, raw, faults, key, first in found:
            yield row_number, raw, faults if key is None else json.dumps([self._duplicate(key, first).as_dict()])

    def close(self) -> None:
        self._database.close()

    def _duplicate(self, key: int | str, first: int) -> Fault:
        names = ", ".join(self._rules.key)
        spelled = ", ".join(map(str, json.loads(key))) if isinstance(key, str) else key
        column = self._rules.key[0] if len(self._rules.key) == 1 else None
        return Fault(column, RejectCode.DUPLICATE, f"{names} {spelled} was taken by row {first}")
