"""The way to replace the rows of a table of SQLite: only what differs is touched."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.backends.protocol import Comparison, Examples, Key, Referring
from rowferry.backends.sqlite.refusals import SqliteRefusals
from rowferry.backends.sqlite.types import quoted
from rowferry.backends.sqlite.writer import SqliteTransaction, SqliteWriter, differing
from rowferry.dictionary.rules import TableRules
from rowferry.dictionary.unstorable import spelled_key
from rowferry.errors import ValueUnkept
from rowferry.kinds.floats import FLOAT

_MOST_EXAMPLES = 100

_WORTH_AN_INDEX = 100
"""From this many rows on, looking for what refers to them is worth an index of its own."""

_REFERRING = """
SELECT m.name, f.id, f."from", f."to" FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f
WHERE m.type = 'table' AND lower(f."table") = lower(?) ORDER BY m.rowid, f.id, f.seq
"""
"""What refers to a table: table, number of the foreign key, its columns, and the columns that they refer to."""

_INDEXED = """
SELECT EXISTS (SELECT 1 FROM pragma_index_list(?, 'main') l JOIN pragma_index_info(l.name, 'main') i
               WHERE i.seqno = 0 AND i.name = ? AND NOT l.partial)
"""


class SqliteReplacer(SqliteWriter):
    """Implements TableReplacer."""

    def __init__(self, transaction: SqliteTransaction, rules: TableRules, *, dry_run: bool) -> None:
        super().__init__(transaction, rules, dry_run=dry_run)
        self._first: pa.RecordBatch | None = None
        self._surplus = 0
        self._comparison = Comparison(0, 0, 0)

    def checks_all_references(self) -> bool:
        """Never: rows are deleted, too, and SQLite is to see that nothing refers to them."""
        return False

    def write(self, rows: pa.RecordBatch) -> None:
        if self._first is None and rows.num_rows:
            self._first = rows.select(list(self._rules.key)).slice(0, _MOST_EXAMPLES)
        _require_kept(self._rules, rows)
        super().write(rows)

    def compare(self) -> Comparison:
        self._comparison = super().compare()
        self._find_surplus(self._comparison.equal + self._comparison.different)
        return self._comparison

    def surplus(self) -> int:
        return self._surplus

    def examples(self, count: int) -> Examples:
        surplus = f"SELECT * FROM {self._surplus_keys} ORDER BY {self._kept_key} LIMIT {count}"
        different = self._first_different(count) if self._comparison.different else []
        return Examples(self._first_new(count), different, self._found(surplus) if self._surplus else [])

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:
        if not self._surplus:
            return []
        each = (self._referring(child, ours, theirs, count) for child, ours, theirs in self._foreign_keys())
        return [one for one in each if one.rows and one.table not in among]

    def remove(self) -> int:
        if not self._surplus:
            return 0
        keys = ", ".join(map(quoted, self._rules.key))
        with self._referring_columns_indexed():
            return self._execute(
                f"DELETE FROM {self._main} WHERE ({keys}) IN (SELECT {self._kept_key} FROM {self._surplus_keys})"
            ).rowcount

    def acting(self) -> list[str]:
        return SqliteRefusals(self._transaction.driver(), self._rules).acting()

    def compare_again(self) -> Comparison:
        return self.compare()

    def _find_surplus(self, known: int) -> None:
        """Note the keys of the table that no written row has."""
        (rows,) = self._execute(f"SELECT count(*) FROM {self._main}").fetchone()
        self._surplus = rows - known
        if not self._surplus:
            return
        self._execute(f"DROP TABLE IF EXISTS {self._surplus_keys}")
        self._execute(
            f"CREATE TABLE {self._surplus_keys} ({self._kept_key}, PRIMARY KEY ({self._kept_key})) WITHOUT ROWID"
        )
        found = f"INSERT INTO {self._surplus_keys} SELECT {self._key_of('t')} FROM {self._main} t"
        if known:
            keys = ", ".join(map(quoted, self._rules.key))
            found += f" WHERE ({self._key_of('t')}) NOT IN (SELECT {keys} FROM {self._stage})"
        self._execute(found)

    def _first_new(self, count: int) -> list[Key]:
        if not self._comparison.new:
            return []
        if not self._has_known:
            return self._first.to_pylist()[:count] if self._first else []
        return self._found(
            f"SELECT {self._key_of('s')} FROM {self._stage} s WHERE s.rowferry_row_number NOT IN "
            f"(SELECT rowferry_row_number FROM {self._known}) ORDER BY s.rowferry_row_number LIMIT {count}"
        )

    def _first_different(self, count: int) -> list[tuple[Key, list[str]]]:
        values, width = self._rules.values, len(self._rules.key)
        found = self._execute(
            f"SELECT {self._key_of('s')}{differing(self._rules)} FROM {self._known} k "
            f"JOIN {self._stage} s USING (rowferry_row_number) JOIN {self._main} t ON {self._same_key()} "
            f"WHERE NOT k.equal ORDER BY {self._key_of('s')} LIMIT {count}"
        )
        return [
            (self._key(row[:width]), [name for name, flag in zip(values, row[width:], strict=True) if flag])
            for row in found
        ]

    def _foreign_keys(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """What refers to this table: table, its columns, and the columns that they refer to."""
        found = self._execute(_REFERRING, (self._rules.name,)).fetchall()
        for (child, _), pairs in groupby(found, key=lambda row: row[:2]):
            columns = [(ours, theirs or self._rules.key[at]) for at, (_, _, ours, theirs) in enumerate(pairs)]
            yield child, [ours for ours, _ in columns], [theirs for _, theirs in columns]

    def _referring(self, child: str, ours: list[str], theirs: list[str], count: int) -> Referring:
        pairs = zip(map(quoted, ours), map(quoted, theirs), strict=True)
        refers = " AND ".join(f"c.{mine} = t.{other}" for mine, other in pairs)
        # With the plus, SQLite does not convert what it compares, which would keep it from looking keys up.
        is_surplus = " AND ".join(f"+t.{quoted(name)} = k.key_{at}" for at, name in enumerate(self._rules.key))
        # The tables are joined in this order: for each referring row, two looks at a key.
        source = f"FROM main.{quoted(child)} c CROSS JOIN {self._main} t CROSS JOIN {self._surplus_keys} k"
        source += f" ON {refers} AND {is_surplus}"
        (rows,) = self._execute(f"SELECT count(*) {source}").fetchone()
        keys = self._key_of("t")
        some = f"SELECT DISTINCT {keys} {source} ORDER BY {keys} LIMIT {count}"
        return Referring(child, tuple(ours), rows, self._found(some) if rows else [])

    @contextmanager
    def _referring_columns_indexed(self) -> Iterator[None]:
        """Let the database find what refers to a deleted row without a look at the whole table, if they are many."""
        made: list[str] = []
        if self._surplus >= _WORTH_AN_INDEX:
            for child, ours, _ in self._foreign_keys():
                if not self._execute(_INDEXED, (child, ours[0])).fetchone()[0]:
                    made.append(f"main.{quoted(f'rowferry_referring_{len(made)}')}")
                    self._execute(f"CREATE INDEX {made[-1]} ON {quoted(child)} ({', '.join(map(quoted, ours))})")
        yield
        for name in made:
            self._execute(f"DROP INDEX {name}")

    @property
    def _surplus_keys(self) -> str:
        return f"temp.{quoted('rowferry_surplus_' + self._rules.name)}"

    @property
    def _kept_key(self) -> str:
        return ", ".join(f"key_{at}" for at in range(len(self._rules.key)))

    def _key_of(self, table: str) -> str:
        return ", ".join(f"{table}.{quoted(name)}" for name in self._rules.key)

    def _found(self, find: str) -> list[Key]:
        return [self._key(row) for row in self._execute(find)]

    def _key(self, values: Collection[Any]) -> Key:
        return dict(zip(self._rules.key, values, strict=True))


def _require_kept(rules: TableRules, rows: pa.RecordBatch) -> None:
    """Raise ValueUnkept for what another database held, and SQLite takes for null: a float that is no number."""
    for column in rules.columns:
        if column.kind is FLOAT:
            odd = np.flatnonzero(np.isnan(pc.fill_null(rows.column(column.name), 0.0).to_numpy()))
            if len(odd):
                key = [rows.column(name)[int(odd[0])].as_py() for name in rules.key]
                raise ValueUnkept(table=rules.name, column=column.name, value="NaN", key=spelled_key(rules, key))
