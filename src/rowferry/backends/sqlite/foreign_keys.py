"""The foreign keys of a table of SQLite that its model has not, which others made."""

import sqlite3
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from rowferry.dictionary.rules import TableRules

_REFERS = """
SELECT f.id, f."table", f."from", coalesce(f."to", p.name)
FROM pragma_foreign_key_list(?, 'main') f LEFT JOIN pragma_table_info(f."table", 'main') p ON p.pk = f.seq + 1
ORDER BY f.id, f.seq
"""
"""What a table refers to: number of the foreign key, the other table, column, and its column."""


class ForeignKey(NamedTuple):
    """A foreign key as the database has it: columns, and what each leads to; that is empty if it is not there."""

    parent: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> str:
        return ", ".join(ours for ours, _ in self.pairs)

    @property
    def in_words(self) -> str:
        return f"{self.columns} refers to {self.parent}"


def unknown_references(driver: sqlite3.Connection, rules: TableRules) -> list[ForeignKey]:
    """The foreign keys of a table that its rules do not have."""
    known = {_folded(own.parent, zip(own.columns, own.targets, strict=True)) for own in rules.references}
    rows = driver.execute(_REFERS, (rules.name,)).fetchall()
    keys = [list(found) for _, found in groupby(rows, key=lambda row: row[0])]
    found = [ForeignKey(key[0][1], tuple((ours, theirs or "") for *_, ours, theirs in key)) for key in keys]
    return [key for key in found if _folded(*key) not in known]


def _folded(parent: str, pairs: Iterable[tuple[str, str]]) -> tuple[str, frozenset[tuple[str, str]]]:
    """A foreign key as SQLite compares names."""
    return parent.lower(), frozenset((ours.lower(), theirs.lower()) for ours, theirs in pairs)
