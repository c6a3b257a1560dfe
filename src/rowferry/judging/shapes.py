"""Which columns the rows of a source bring, where they may leave some out."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from rowferry.judging.candidate_keys import Int64s


@dataclass(frozen=True)
class Shapes:
    """The sets of columns that rows bring, and which of them is that of rows, by their numbers."""

    columns: tuple[Collection[str], ...]
    of: Callable[[Int64s], Int64s] = np.zeros_like
