"""What writers of a stage share that find the rows which a database refuses."""

import pyarrow as pa

from rowferry.backends.refusals import NO_ROWS, Numbers, RefusalsFound
from rowferry.dictionary.rules import ROW_NUMBER


class StagedRefusalsFound(RefusalsFound):
    """The rows wait in the database, by ascending number."""

    _written = NO_ROWS

    def write(self, rows: pa.RecordBatch) -> None:
        if rows.num_rows:
            numbers = rows.column(ROW_NUMBER)
            first = numbers[0].as_py() if self._written == NO_ROWS else self._written[0]
            self._written = (first, numbers[-1].as_py())
        super().write(rows)  # type: ignore[misc]  # of the writer behind

    def _all_rows(self) -> Numbers:
        return self._written
