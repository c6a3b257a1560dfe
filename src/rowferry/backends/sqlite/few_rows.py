"""Few rows into a table of SQLite, whose only writer we are."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table

from rowferry.arrow import compute as pc
from rowferry.backends.held_rows import HeldRows
from rowferry.backends.protocol import Comparison, Holders
from rowferry.backends.sqlite.beyond import defer_references, foreign_keys_told, may_rewrite, or_abort
from rowferry.backends.sqlite.parents import find_next_keys
from rowferry.backends.sqlite.referring import referring_columns_indexed
from rowferry.backends.sqlite.types import DIALECT, quoted
from rowferry.backends.sqlite.unusual_keys import UnusualKeys
from rowferry.backends.sqlite.values import same, stored, stored_rows, value_of
from rowferry.backends.sqlite.writer import (
    MOST_PARAMETERS,
    SqliteTransaction,
    driver_of,
    require_keys,
)
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.errors import KeySpelledOtherwise, ParentsVanished
from rowferry.kinds.registry import kind_of
from rowferry.kinds.unfit import UnfitError

_ROWS_A_STATEMENT = 100


class ShortSqliteTransaction(SqliteTransaction):
    """Implements ShortTransaction."""

    def few_rows_writer(self, rules: TableRules) -> "FewRowsWriter":
        return FewRowsWriter(self, rules)

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        return find_existing(self.connection, table, column, values)

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        return find_existing_together(self.connection, rules, rows)

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        return find_next_keys(self.driver(), table, column, after, most)

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        return find_known(self.connection, rules, key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        return find_holders(self.connection, rules, names, rows)


class FewRowsWriter(HeldRows):
    """Implements TableWriter."""

    def __init__(self, transaction: SqliteTransaction, rules: TableRules) -> None:
        super().__init__(rules)
        self._transaction = transaction
        self._driver = transaction.driver()
        self._table = f"main.{quoted(rules.name)}"
        self._unusual: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def compare(self) -> Comparison:
        names = list(self._rules.names)
        if not self._rules.key:
            return self._compared()
        keys = stored_rows(self._rows.select(list(self._rules.key)))
        self._unusual = unusual_keys(self._driver, self._rules, self._rules.key, keys)
        if self._unusual or self._meets_known_keys():
            rows = [self._as_there(row, names) for row in stored_rows(self._rows.select(names))]
            many = min(_ROWS_A_STATEMENT, MOST_PARAMETERS // (len(names) + 1))
            for first in range(0, len(rows), many):
                self._find_known(first, rows[first : first + many])
        return self._compared()

    def publish(self, *, update: bool) -> tuple[int, int]:
        self._transaction.at_end.add(self._require_unique)
        new = self._new()
        defer_references(self._driver, self._rules)
        with foreign_keys_told(self._driver, self._rules, self._require_parents):
            updated = self._update() if update else 0
            inserted = self._insert(new)
        return inserted, updated

    def complete(self, *, update: bool) -> None:  # noqa: ARG002  # what was changed has all of its values
        names = self._rules.may_wait
        if names and (new := self._new()).num_rows:
            self._change(names, new)
        self._require(self._rules.circular)

    def _insert(self, new: pa.RecordBatch) -> int:
        """Insert rows without the columns that may lead to later ones, for which SQLite would read the whole table."""
        return (
            self._transaction.insert(self._rules.name, self._without(new, self._rules.may_wait)) if new.num_rows else 0
        )

    def _require_unique(self) -> None:
        for key in self._rules.unique:
            wanted = ", ".join(f"json_extract(value, '$[{at}]') AS wanted_{at}" for at in range(len(key)))
            both = (rows.select(list(key)) for rows in (self._new(), self._changed()))
            written = json.dumps([row for rows in both for row in stored_rows(rows)])
            unusual = UnusualKeys(self._driver, self._rules.name, [self._rules.by_name[name] for name in key])
            unusual.require_apart(f"SELECT {wanted} FROM json_each(?1)", (written,))

    def _require_parents(self) -> None:
        self._require(self._rules.straight)

    def _require(self, references: Iterable[Reference]) -> None:
        for reference in references:
            if reference.column:
                require_keys(self._driver, reference, pc.unique(pc.drop_null(self._rows.column(reference.column))))
            else:
                self._require_together(reference)

    def _require_together(self, reference: Reference) -> None:
        rows = [row for row in stored_rows(self._rows.select(list(reference.columns))) if None not in row]
        numbered = enumerate(map(quoted, reference.targets))
        same = " AND ".join(f"p.{target} = json_extract(j.value, '$[{at}]')" for at, target in numbered)
        there = f"SELECT 1 FROM main.{quoted(reference.parent)} p WHERE {same}"
        find = f"SELECT EXISTS (SELECT 1 FROM json_each(?) j WHERE NOT EXISTS ({there}))"
        if self._driver.execute(find, (json.dumps(rows),)).fetchone()[0]:
            raise ParentsVanished

    def _meets_known_keys(self) -> bool:
        """Whether the table may hold keys of the rows: any key within the range of theirs."""
        if not self._rows.num_rows:
            return False
        bounds = self._key_bounds
        if bounds is None:
            return True
        find = f"SELECT EXISTS (SELECT 1 FROM {self._table} WHERE {quoted(self._rules.key[0])} BETWEEN ? AND ?)"
        return bool(self._driver.execute(find, bounds).fetchone()[0])

    def _find_known(self, first: int, rows: list[tuple[Any, ...]]) -> None:
        names = self._rules.names
        spelled = {quoted(name): f"s.column{at}" for at, name in enumerate(names, 2)}
        tests = _differing(self._rules, spelled)
        same = " AND ".join(f"t.{quoted(name)} = {spelled[quoted(name)]}" for name in self._rules.key)
        row = f"({', '.join('?' * (len(names) + 1))})"
        given_rows = f"(VALUES {', '.join([row] * len(rows))}) s"
        find = f"SELECT s.column1{tests} FROM {given_rows} CROSS JOIN {self._table} t ON {same}"
        given = [value for at, row in enumerate(rows, first) for value in (at, *row)]
        for at, *differs in self._driver.execute(find, given):
            self._known[at] = [name for name, flag in zip(self._rules.values, differs, strict=True) if flag]

    def _update(self) -> int:
        changed, values = self._changed(), self._rules.values
        try:
            with referring_columns_indexed(self._driver, self._rules, changed.num_rows, values):
                return self._change(values, changed)
        except sqlite3.IntegrityError as error:
            is_unique = error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE
            if not (is_unique and may_rewrite(self._driver, self._rules)):
                raise
            return self._rewrite()

    def _change(self, columns: Sequence[str], changed: pa.RecordBatch) -> int:
        """Give rows of the table some of the values of those with their keys."""
        names = [*columns, *self._rules.key]
        rows = [self._as_there(row, names) for row in stored_rows(changed.select(names))]
        if not rows:
            return 0
        changes = ", ".join(f"{quoted(name)} = ?" for name in columns)
        same = " AND ".join(f"{quoted(name)} = ?" for name in self._rules.key)
        update = f"UPDATE {or_abort(self._driver, self._rules.name)} {self._table} SET {changes} WHERE {same}"
        return self._driver.executemany(update, rows).rowcount

    def _rewrite(self) -> int:
        """Insert the rows that differ anew, once all of them are gone: a value may stand in another row by now."""
        names, key = list(self._rules.names), list(self._rules.key)
        changed = stored_rows(self._changed())
        same = " AND ".join(f"{quoted(name)} = ?" for name in key)
        whole = [dict(zip(names, self._as_there(row, names), strict=True)) for row in changed]
        remove = f"DELETE FROM {self._table} WHERE {same}"
        removed = self._driver.executemany(remove, [[row[name] for name in key] for row in whole]).rowcount
        insert = (
            f"INSERT {or_abort(self._driver, self._rules.name)} INTO {self._table} "
            f"({', '.join(map(quoted, names))}) VALUES ({', '.join('?' * len(names))})"
        )
        return min(removed, self._driver.executemany(insert, [[*row.values()] for row in whole]).rowcount)

    def _as_there(self, row: tuple[Any, ...], names: list[str]) -> tuple[Any, ...]:
        """A row with its key as the table spells it."""
        if not self._unusual:
            return row
        values = dict(zip(names, row, strict=True))
        key = tuple(values[name] for name in self._rules.key)
        values |= zip(self._rules.key, self._unusual.get(key, key), strict=True)
        return tuple(values.values())


def _differing(rules: TableRules, ours: Mapping[str, str]) -> str:
    """Further columns of a query: of each value whether ours, by its column, differs from that of `t`."""
    both = ((rules.by_name[name], quoted(name)) for name in rules.values)
    tests = (same(rule, ours[column], f"t.{column}") for rule, column in both)
    return "".join(f", CASE WHEN {is_same} THEN 0 ELSE 1 END" for is_same in tests)


def find_existing(connection: Connection, table: Table, column: str, values: Sequence[object]) -> list[object]:
    """Those of the values that a column of a table holds."""
    kind, arrow = kind_of(table.c[column].type, DIALECT)
    wanted = stored(pa.array(values, arrow))
    rule = ColumnRule(column, kind, arrow, required=True, max_length=None, doc="")
    found = UnusualKeys(driver_of(connection), table.name, [rule]).among((value,) for value in wanted)
    for (usual,), (there,) in found.items():
        raise KeySpelledOtherwise(table=table.name, column=column, key=usual, stored=there)
    spelled = json.dumps(wanted)
    # By their places: a decimal comes back spelled otherwise than it was sent.
    find = f"SELECT j.key FROM json_each(?) j CROSS JOIN {quoted(table.name)} t ON t.{quoted(column)} = j.value"
    return [values[at] for (at,) in connection.exec_driver_sql(find, (spelled,))]


def find_existing_together(connection: Connection, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
    """Which rows, by position, have the values of a row of a table in all of their columns."""
    names = tuple(rows.schema.names)
    for usual, there in unusual_keys(driver_of(connection), rules, names, stored_rows(rows)).items():
        column, key, found = (", ".join(map(str, values)) for values in (names, usual, there))
        raise KeySpelledOtherwise(table=rules.name, column=column, key=key, stored=found)
    return find_known(connection, rules, names, rows)


def find_known(connection: Connection, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
    """Which rows, by position, have the candidate key of a row of the table."""
    if not connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {quoted(rules.name)})").scalar():
        return []
    wanted = stored_rows(rows.select(list(key)))
    unusual = unusual_keys(driver_of(connection), rules, key, wanted)
    given = json.dumps(wanted)
    values = _extracted(0, len(key))
    names = ", ".join(f"t.{quoted(name)}" for name in key)
    # Whether or not the table has an index, nothing is looked for among all rows of the other side, row by row.
    held = f"SELECT {names} FROM {quoted(rules.name)} t WHERE ({names}) IN (SELECT {values} FROM json_each(?1) j)"
    find = f"SELECT j.key FROM json_each(?1) j WHERE ({values}) IN ({held}) ORDER BY 1"
    known = [at for (at,) in connection.exec_driver_sql(find, (given,))]
    return sorted({*known, *(at for at, values in enumerate(wanted) if values in unusual)}) if unusual else known


def find_holders(connection: Connection, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
    """Which rows have values of a row of the table with another key."""
    wanted, own = (stored_rows(rows.select(list(of))) for of in (names, rules.key))
    unusual = unusual_keys(driver_of(connection), rules, names, wanted)
    given = json.dumps([(*unusual.get(values, values), *key) for values, key in zip(wanted, own, strict=True)])
    values, keys = _extracted(0, len(names)), _extracted(len(names), len(rules.key))
    columns, key = (", ".join(f"t.{quoted(name)}" for name in of) for of in (names, rules.key))
    # As above: what is found is looked through by an index that SQLite makes for it.
    both = ", ".join(map(quoted, dict.fromkeys((*names, *rules.key))))
    held = f"SELECT {both} FROM {quoted(rules.name)} t WHERE ({columns}) IN (SELECT {values} FROM json_each(?1) j)"
    find = (
        f"WITH held AS MATERIALIZED ({held}) SELECT j.key, {key} FROM json_each(?1) j CROSS JOIN held t "
        f"WHERE ({columns}) = ({values}) AND ({key}) IS NOT ({keys}) ORDER BY 1"
    )
    found = ((at, _read(rules, holder)) for at, *holder in connection.exec_driver_sql(find, (given,)))
    return [(at, holder) for at, holder in found if holder != _read(rules, own[at])]


def _extracted(first: int, count: int) -> str:
    return ", ".join(f"json_extract(j.value, '$[{at}]')" for at in range(first, first + count))


def _read(rules: TableRules, key: Sequence[object]) -> tuple[object, ...]:
    """What a key stands for, however it is spelled; None where that is nothing."""
    return tuple(_value(rules.by_name[name], value) for name, value in zip(rules.key, key, strict=True))


def _value(rule: ColumnRule, stored_value: object) -> object:
    with suppress(UnfitError):
        return value_of(rule.kind, rule.arrow, stored_value)
    return None


def unusual_keys(
    driver: sqlite3.Connection, rules: TableRules, key: tuple[str, ...], wanted: list[tuple[Any, ...]]
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Of some keys those that the table has in another form than the usual one, and that form."""
    return UnusualKeys(driver, rules.name, [rules.by_name[name] for name in key]).among(wanted)
