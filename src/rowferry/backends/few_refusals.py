"""What writers of few rows share that find the rows which a database refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from rowferry.arrow import compute as pc
from rowferry.arrow.arrays import as_arrow
from rowferry.backends.held_rows import HeldRows
from rowferry.backends.protocol import Comparison
from rowferry.backends.refusals import NO_ROWS, Numbers, RefusalsFound
from rowferry.dictionary.rules import ROW_NUMBER


class FewRefusalsFound(RefusalsFound, HeldRows):
    """The rows are held in memory."""

    @contextmanager
    def _only(self, rows: Numbers) -> Iterator[None]:
        everything, known = self._rows, self._known
        numbers = everything.column(ROW_NUMBER).to_numpy()
        among = np.flatnonzero((numbers >= rows[0]) & (numbers <= rows[1]))
        self._rows = pc.take(everything, as_arrow(among))
        self._known = {here: known[at] for here, at in enumerate(among.tolist()) if at in known}
        try:
            yield
        finally:
            self._rows, self._known = everything, known

    def _all_rows(self) -> Numbers:
        if not self._rows.num_rows:
            return NO_ROWS
        found = pc.min_max(self._rows.column(ROW_NUMBER)).as_py()
        return found["min"], found["max"]

    def _sorts(self) -> Comparison:
        return self._compared()
