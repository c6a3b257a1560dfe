"""What the judge looks up, found in a database and among the rows that an operation has accepted."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa

from rowferry.backends.protocol import Backend, ParentKeys
from rowferry.dictionary.catalog import Catalog
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.judging.candidate_keys import Columns, Mask
from rowferry.judging.circles import Circles
from rowferry.judging.circular_rows import CircularRows
from rowferry.judging.lookups import Holders, UniqueKeys
from rowferry.judging.moved_values import MovedValues
from rowferry.judging.taken_keys import TakenKeys
from rowferry.kinds.integers import INTEGER
from rowferry.kinds.kind import Kind
from rowferry.kinds.registry import kind_of


class OperationLookups:
    """Implements Lookups for all tables of one attempt at an operation.

    Parents are looked for by its `transaction`, unique values by `keys`. Of a table that is `replaced`, none of the
    rows count that it has. In `circles`, rows may refer to rows that come later.
    """

    def __init__(
        self, backend: Backend, catalog: Catalog, transaction: ParentKeys, keys: UniqueKeys, circles: Circles
    ) -> None:
        self._catalog = catalog
        self._transaction, self._keys, self._circles = transaction, keys, circles
        self._accepted: dict[str, tuple[TableRules, TakenKeys]] = {}
        self._replaced: set[str] = set()
        self._moved: dict[str, MovedValues] = {}
        self.failed_checks = backend.failed_checks
        self.backend = backend

    def add(self, rules: TableRules, taken: TakenKeys, *, replaced: bool, moved: MovedValues | None) -> None:
        """Note that rows of a table are judged from here on, whose keys are `taken` when they are accepted.

        Where they are updated, unique values may have `moved`.
        """
        self._accepted[rules.name] = rules, taken
        if replaced:
            self._replaced.add(rules.name)
        if moved:
            self._moved[rules.name] = moved

    def circular(self, rules: TableRules) -> CircularRows | None:
        return self._circles.of(rules.name)

    def settle(self) -> None:
        """Judge the references that had to wait until all rows were read; OrphansFound if some lead nowhere."""
        self._circles.settle(self)

    def referred_types(self, reference: Reference) -> list[pa.DataType]:
        rules = self._catalog.table(reference.parent)
        return [self._kind(rules, name)[1] for name in reference.targets]

    def existing(self, table: str, column: str, values: list[object]) -> list[object]:
        return (
            []
            if table in self._replaced
            else self._transaction.existing(self._catalog.table(table).table, column, values)
        )

    def next_keys(self, table: str, column: str, after: int, most: int) -> pa.Int64Array:
        rules = self._catalog.table(table)
        has_none = table in self._replaced or self._may_be_given_away(rules, [column])
        has_none = has_none or self._kind(rules, column)[0] is not INTEGER
        none = pa.array([], pa.int64())
        return none if has_none else self._transaction.next_keys(rules.table, column, after, most)

    def existing_together(self, table: str, rows: pa.RecordBatch) -> list[int]:
        if table in self._replaced:
            return []
        rules = self._catalog.table(table)
        generated = [self._generated(rules, name) for name in rows.schema.names if name not in rules.by_name]
        if generated:
            rules = replace(rules, columns=(*rules.columns, *generated))
        return self._transaction.existing_together(rules, rows)

    def accepted(self, reference: Reference, key: Columns) -> Mask | None:
        if reference.parent not in self._accepted:
            return None
        rules, taken = self._accepted[reference.parent]
        number = rules.number_of_key(reference.targets)
        if number is None:
            return np.zeros(len(key[0]), dtype=np.bool_)
        by_name = dict(zip(reference.targets, key, strict=True))
        return taken.holds([by_name[name] for name in rules.candidate_keys[number]], number)

    def given_away(self, reference: Reference, key: Columns) -> Mask:
        rules = self._catalog.table(reference.parent)
        number = rules.number_of_key(reference.targets)
        if number is None or not self._may_be_given_away(rules, reference.targets):
            return np.zeros(len(key[0]), dtype=np.bool_)
        by_name, names = dict(zip(reference.targets, key, strict=True)), rules.candidate_keys[number]
        return self._moved[reference.parent].given_away(names, [by_name[name] for name in names])

    def _may_be_given_away(self, rules: TableRules, names: Collection[str]) -> bool:
        """Whether rows are updated that have values of some columns, which do not make up their key."""
        return rules.name in self._moved and {*names} != {*rules.key}

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        return [] if rules.name in self._replaced else self._keys.known(rules, key, rows)

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        return [] if rules.name in self._replaced else self._keys.holders(rules, names, rows)

    def _kind(self, rules: TableRules, column: str) -> tuple[Kind, pa.DataType]:
        if rule := rules.by_name.get(column):
            return rule.kind, rule.arrow
        generated = self._generated(rules, column)
        return generated.kind, generated.arrow

    def _generated(self, rules: TableRules, column: str) -> ColumnRule:
        """What is to be known of a column that the database generates, to look for its values."""
        kind, arrow = kind_of(rules.table.c[column].type, self.backend.engine.dialect.name)
        return ColumnRule(column, kind, arrow, required=False, max_length=None, doc="")
