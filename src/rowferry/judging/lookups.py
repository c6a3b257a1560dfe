"""What the judge has to look up beyond the rows before it."""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules
from rowferry.judging.candidate_keys import Columns, Mask
from rowferry.judging.circular_rows import CircularRows

Holders = Sequence[tuple[int, tuple[object, ...]]]
"""Rows, by position, that have the values of a row of a table in some columns, and the key of that row."""


class UniqueKeys(Protocol):
    """Finds rows of a table by what is unique there."""

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the candidate key of a row of the table."""

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        """Which rows have values of a row of the table with another key, and that key; null is another."""


class ParentLookups(Protocol):
    """Finds the rows that others refer to."""

    def referred_types(self, reference: Reference) -> Sequence[pa.DataType]:
        """The Arrow types of the targets of a reference; the columns that refer to them may have others."""

    def existing(self, table: str, column: str, values: list[object]) -> list[object]:
        """Those of the values that the column of a table holds."""

    def next_keys(self, table: str, column: str, after: int, most: int) -> pa.Int64Array:
        """The next so many integers above another one that the column of a table holds, ascending; fewer at their end.

        Others may be there all the same, if the table may hold integers in another form than their usual one.
        """

    def existing_together(self, table: str, rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the values of a row of a table in all of their columns; none is null."""

    def accepted(self, reference: Reference, key: Columns) -> Mask | None:
        """Which values of the targets of a reference are those of rows that the operation has accepted already.

        None if it does not work on the table that is referred to.
        """

    def given_away(self, reference: Reference, key: Columns) -> Mask:
        """Which values of the targets of a reference, that rows of the database have, they lose to accepted rows.

        No accepted row has them, so nothing can refer to them once the operation is done.
        """


class Lookups(UniqueKeys, ParentLookups, Protocol):
    """What the judge asks of a database, and of the operation whose rows it judges."""

    def circular(self, rules: TableRules) -> CircularRows | None:
        """What is noted of rows that may refer to rows which come later; None if there are none in the operation."""

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        """Which of some rows break which CHECK of their table: (position, name of the check)."""
