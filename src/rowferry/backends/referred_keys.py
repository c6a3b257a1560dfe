"""The keys that some rows refer to, to look once for each whether it is there."""

import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import TableRules

_MOST = 50_000


class ReferredKeys:
    """What the references of a table's rows lead to, if that is one column and not too much to hold."""

    def __init__(self, rules: TableRules) -> None:
        columns = [reference.column for reference in rules.references if reference.column]
        self._keys = {column: pa.array([], rules.by_name[column].arrow) for column in columns}

    def add(self, rows: pa.RecordBatch) -> None:
        for column, known in self._keys.items():
            if len(known) <= _MOST:
                self._keys[column] = pc.unique(pa.concat_arrays([known, pc.unique(rows.column(column))]))

    def keys(self, reference: Reference) -> pa.Array | None:
        """Each key once, without null; None where they are too many, or of several columns."""
        if reference.column is None:
            return None
        keys = pc.drop_null(self._keys[reference.column])
        return keys if len(keys) <= _MOST else None
