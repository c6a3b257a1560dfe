"""Which values a column has, in bounded memory: whether they are all different, and whether another column has them."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rowferry.arrow import compute as pc

Hashes = npt.NDArray[np.int64]

MOST_HASHES = 1 << 22
"""A column with more different values is not looked at any further: that is 32 MB of hashes."""


class Distinct:
    """The different values of a column, by their hashes; None once there are too many.

    Two values of one hash would be taken for the same: then a key or reference may be missed, or one be proposed that
    the load disproves, once in 4 million million.
    """

    def __init__(self) -> None:
        self.hashes: Hashes | None = np.array([], dtype=np.int64)
        self.count = 0
        self.is_unique = True

    @property
    def is_known(self) -> bool:
        """Whether all values could be looked at."""
        return self.hashes is not None

    def add(self, hashes: Hashes) -> None:
        """Take the values of some more rows, none of them missing."""
        if self.hashes is None:
            return
        found = np.unique(hashes)
        new = found[~np.isin(found, self.hashes, assume_unique=True)]
        self.is_unique &= len(new) == len(hashes)
        self.count += len(new)
        self.hashes = np.concatenate((self.hashes, new)) if self.count <= MOST_HASHES else None
        self.is_unique &= self.is_known

    def within(self, other: "Distinct") -> bool:
        """Whether another column has all of these values."""
        if self.hashes is None or other.hashes is None or not self.count:
            return False
        return bool(np.isin(self.hashes, other.hashes, assume_unique=True).all())


def hashed(texts: pa.StringArray) -> Hashes:
    """A hash for each text; each different text is hashed once."""
    encoded = pc.dictionary_encode(texts)
    hashes = np.array([hash(text) for text in encoded.dictionary.to_pylist()], dtype=np.int64)
    return hashes[encoded.indices.to_numpy()] if len(hashes) else hashes


def combined(parts: list[Hashes]) -> Hashes:
    """A hash for each row of several columns, where their order matters."""
    found = parts[0]
    with np.errstate(over="ignore"):
        for part in parts[1:]:
            found = found * np.int64(6364136223846793005) + part
    return found
