"""Which rows refer to nothing in the end: found in a temporary database, however many there are.

A key that nobody provides makes orphans of the rows that refer to it; an orphan no longer provides its own keys, and so
on, level by level. Duplicates still provide their key: the row that takes it may be an orphan, and leave it to them.
Only if no row is an orphan by that are rows orphans that refer to a duplicate, which is rejected for another of its
keys.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from operator import itemgetter

import numpy as np
import pyarrow as pa

from rowferry.arrow.arrays import python_values
from rowferry.arrow.casting import same_values
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ROW_NUMBER
from rowferry.judging.candidate_keys import Columns, Int64s, Mask
from rowferry.judging.circular_rows import CircularRows
from rowferry.judging.lookups import ParentLookups
from rowferry.judging.references import References

_AT_ONCE = 100_000

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE referring (reference INTEGER, source INTEGER, number INTEGER, target INTEGER, key);
CREATE TABLE provided (source INTEGER, number INTEGER, target INTEGER, key);
CREATE TABLE kept (target INTEGER, key, PRIMARY KEY (target, key)) WITHOUT ROWID;
CREATE TABLE lost (target INTEGER, key, PRIMARY KEY (target, key)) WITHOUT ROWID;
CREATE TABLE gone (target INTEGER, key, PRIMARY KEY (target, key)) WITHOUT ROWID;
CREATE TABLE fresh (source INTEGER, number INTEGER, PRIMARY KEY (source, number)) WITHOUT ROWID;
CREATE TABLE dead (source INTEGER, number INTEGER, PRIMARY KEY (source, number)) WITHOUT ROWID;
CREATE TABLE orphans (reference INTEGER, number INTEGER, PRIMARY KEY (reference, number)) WITHOUT ROWID;
"""

_INDEXES = """
CREATE INDEX referring_key ON referring (target, key);
CREATE INDEX provided_key ON provided (target, key);
CREATE INDEX provided_row ON provided (source, number);
"""

_PROVIDED_BY_NOBODY = """
INSERT INTO gone SELECT target, key FROM lost WHERE (target, key) NOT IN (SELECT target, key FROM provided)
"""

_OF_DUPLICATES = "INSERT INTO gone SELECT target, key FROM lost"

_NEXT_LEVEL = (
    """
    INSERT OR IGNORE INTO orphans SELECT r.reference, r.number FROM gone CROSS JOIN referring r USING (target, key)
    """,
    "DELETE FROM fresh",
    """
    INSERT INTO fresh SELECT DISTINCT r.source, r.number FROM gone CROSS JOIN referring r USING (target, key)
    WHERE NOT EXISTS (SELECT 1 FROM dead d WHERE d.source = r.source AND d.number = r.number)
    """,
    "INSERT INTO dead SELECT * FROM fresh",
    "DELETE FROM gone",
    """
    INSERT INTO gone SELECT DISTINCT p.target, p.key FROM fresh CROSS JOIN provided p USING (source, number)
    WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.target = p.target AND k.key = p.key)
    AND NOT EXISTS (SELECT 1 FROM provided other WHERE other.target = p.target AND other.key = p.key AND NOT EXISTS
                    (SELECT 1 FROM dead d WHERE d.source = other.source AND d.number = other.number))
    """,
)


class Settlement:
    """Finds the orphans among the rows of some tables, where some refer to what is lost."""

    def __init__(self, noted: Sequence[CircularRows], lookups: ParentLookups) -> None:
        self._noted, self._lookups = noted, _InDatabase(lookups)
        self._references = [(rows, reference) for rows in noted for reference in rows.references]
        self._types = {reference: lookups.referred_types(reference) for _, reference in self._references}
        self._targets = [(rows.rules.name, target) for rows in noted for target in rows.targets]
        # Where it grows, it goes to disk, and is gone with the connection.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_TABLES)

    def lose(self, reference: Reference, values: Columns) -> None:
        """Note values of a reference that lead to no accepted row, and to none of the database."""
        target = self._target_of(reference)
        rows = ((target, key) for key in self._keys_of(reference, values))
        self._insert("INSERT OR IGNORE INTO lost VALUES (?, ?)", rows)

    def orphans(self) -> Iterator[tuple[str, Reference, Int64s]]:
        """The rows that refer to nothing, by table, reference and number."""
        self._note_rows()
        for begin in (_PROVIDED_BY_NOBODY, _OF_DUPLICATES):
            if not self._has_any("orphans"):
                self._database.execute(begin)
                self._go_on()
        find = "SELECT number FROM orphans WHERE reference = ?"
        for at, (noted, reference) in enumerate(self._references):
            found = self._database.execute(find, (at,))
            while rows := found.fetchmany(_AT_ONCE):
                yield noted.rules.name, reference, np.array(rows, dtype=np.int64)[:, 0]

    def close(self) -> None:
        """Give back the disk space."""
        self._database.close()

    def _go_on(self) -> None:
        """Level by level, until no key is gone any more."""
        while self._has_any("gone"):
            for step in _NEXT_LEVEL:
                self._database.execute(step)

    def _note_rows(self) -> None:
        self._database.execute("BEGIN")
        for at, (rows, reference) in enumerate(self._references):
            source, target = self._noted.index(rows), self._target_of(reference)
            for batch in rows.referring[reference]:
                both = zip(batch.columns[-1].to_pylist(), self._keys_of(reference, batch.columns[:-1]), strict=True)
                given = ((at, source, number, target, key) for number, key in both)
                self._insert("INSERT INTO referring VALUES (?, ?, ?, ?, ?)", given)
        for at, (rows, reference) in enumerate(self._references):
            if all(self._target_of(reference) != self._target_of(other) for _, other in self._references[:at]):
                self._note_provided(rows, reference)
        self._database.executescript(_INDEXES)

    def _note_provided(self, of: CircularRows, reference: Reference) -> None:
        """Note the keys that rows provide which a reference may lead to, and those that the database has anyway."""
        target = self._target_of(reference)
        rows = next(rows for rows in self._noted if rows.rules.name == reference.parent)
        source, there = self._noted.index(rows), References(of.rules, self._lookups)
        for batch in rows.provided:
            values = [batch.column(name) for name in reference.targets]
            keys = _keys(reference, values)
            given = zip(batch.column(ROW_NUMBER).to_pylist(), keys, strict=True)
            rows_given = ((source, number, target, key) for number, key in given if key is not None)
            self._insert("INSERT INTO provided VALUES (?, ?, ?, ?)", rows_given)
            absent = there.absent(reference, values).tolist()
            kept = ((target, key) for key, gone in zip(keys, absent, strict=True) if key is not None and not gone)
            self._insert("INSERT OR IGNORE INTO kept VALUES (?, ?)", kept)

    def _keys_of(self, reference: Reference, values: Columns) -> list[object]:
        """What rows refer to, as the keys that are provided are spelled; what cannot be one of them, as it is."""
        there = [same_values(column, arrow) for column, arrow in zip(values, self._types[reference], strict=True)]
        keys = _keys(reference, there)
        if all(column is same for column, same in zip(values, there, strict=True)):
            return keys
        return [own if key is None else key for key, own in zip(keys, _keys(reference, values), strict=True)]

    def _target_of(self, reference: Reference) -> int:
        return self._targets.index((reference.parent, tuple(sorted(reference.targets))))

    def _has_any(self, table: str) -> bool:
        return self._database.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # ours

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.executemany(statement, rows)


class _InDatabase:
    """Implements ParentLookups for what the database has, whatever was accepted."""

    def __init__(self, lookups: ParentLookups) -> None:
        self.existing, self.existing_together = lookups.existing, lookups.existing_together
        self.referred_types = lookups.referred_types
        self.next_keys = lookups.next_keys

    def accepted(self, reference: Reference, key: Columns) -> Mask | None:  # noqa: ARG002  # none is
        return None

    def given_away(self, reference: Reference, key: Columns) -> Mask:  # noqa: ARG002  # none is
        return np.zeros(len(key[0]), dtype=np.bool_)


def _keys(reference: Reference, values: Columns) -> list[object]:
    """Values of the targets of a reference, each as one value that is the same for the same; None where one is null."""
    if len(values) == 1 and pa.types.is_integer(values[0].type):
        return list(values[0].to_pylist())
    by_name = sorted(zip(reference.targets, values, strict=True), key=itemgetter(0))
    rows = zip(*(python_values(column) for _, column in by_name), strict=True)
    return [None if None in row else json.dumps([*map(_plain, row)], default=str) for row in rows]


def _plain(value: object) -> object:
    """A value as it is spelled: of zero there is one, and a decimal has no zeros behind."""
    if isinstance(value, Decimal):
        spelled = f"{value:f}"
        spelled = spelled.rstrip("0").rstrip(".") if "." in spelled else spelled
        return "0" if spelled == "-0" else spelled
    return value + 0.0 if isinstance(value, float) else value
