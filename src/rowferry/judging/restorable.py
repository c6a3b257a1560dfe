"""Whether rows of a backup could be restored: whatever a restore would reject for its values is named beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rowferry.dictionary.faults import Fault, shown
from rowferry.dictionary.rules import ColumnRule, TableRules
from rowferry.dictionary.unstorable import spelled_key, unstorable
from rowferry.errors import ValueUnstorable
from rowferry.judging.judge import judge_cell
from rowferry.judging.typed_values import as_python, cell_of, read_typed


@dataclass(frozen=True)
class Unrestorable:
    """A value that a restore would reject, by its position among the rows, and why."""

    rules: TableRules
    position: int
    column: ColumnRule
    value: object
    key: tuple[object, ...]
    fault: Fault

    @property
    def where(self) -> str:
        """The key of its row, in words."""
        return spelled_key(self.rules, self.key)

    def error(self) -> ValueUnstorable:
        """The error of the backup that does not hold it."""
        value = "null" if self.value is None else shown(self.value)
        return unstorable(self.rules, self.column, value, self.key, self.fault.message)


def first_unrestorable(rules: TableRules, columns: Sequence[pa.Array]) -> Unrestorable | None:
    """The first column's first value that a restore would reject by today's rules, if there is one."""
    for rule, values in zip(rules.columns, columns, strict=True):
        _, sure = read_typed(rule, values, present=True)
        for at in np.flatnonzero(~sure).tolist():
            _, fault = judge_cell(rule, cell_of(rule, values, at), present=True)
            if fault:
                key = tuple(as_python(columns[rules.names.index(name)][at]) for name in rules.identity)
                return Unrestorable(rules, at, rule, as_python(values[at]), key, fault)
    return None
