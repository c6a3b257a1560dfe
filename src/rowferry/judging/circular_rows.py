"""What is noted of the rows of a table in a circle, until all rows are there that they may refer to."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.dictionary.foreign_keys import Reference
from rowferry.dictionary.rules import ROW_NUMBER, TableRules
from rowferry.judging.candidate_keys import Columns, Int64s, Mask, present
from rowferry.judging.orphans import Orphans
from rowferry.judging.spooled_rows import SpooledRows

_NUMBER = pa.field(ROW_NUMBER, pa.int64())


class CircularRows:
    """What is noted of the rows of one table: what they refer to, and the keys by which others refer to them."""

    def __init__(
        self, rules: TableRules, references: Sequence[Reference], referred: Iterable[Reference], orphans: Orphans
    ) -> None:
        self.rules, self.references = rules, references
        self._orphans = orphans
        self.targets = sorted({tuple(sorted(reference.targets)) for reference in referred})
        self._names = sorted({name for target in self.targets for name in target})
        self.provided = SpooledRows(self._schema(self._names))
        self.referring = {reference: SpooledRows(self._schema(reference.columns)) for reference in references}

    def missing(self, reference: Reference, columns: Columns, numbers: Int64s) -> Mask:
        """Which rows, by number, are known to refer to nothing; what the others refer to is noted."""
        orphans = self._orphans.are(self.rules.name, reference, numbers)
        kept = as_arrow(~orphans & present(columns))
        self.referring[reference].add([pc.where(column, kept) for column in (*columns, as_arrow(numbers))])
        return orphans

    def provide(self, columns: Mapping[str, pa.Array], numbers: Int64s) -> None:
        """Note rows without any other fault, which are there if their references lead somewhere."""
        if self._names:
            self.provided.add([*(columns[name] for name in self._names), as_arrow(numbers)])

    def close(self) -> None:
        for rows in (self.provided, *self.referring.values()):
            rows.close()

    def _schema(self, names: Iterable[str]) -> pa.Schema:
        return pa.schema([*(pa.field(name, self.rules.by_name[name].arrow) for name in names), _NUMBER])
