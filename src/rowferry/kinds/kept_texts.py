"""What kinds have in common whose values are texts in Arrow and in Avro."""

from abc import abstractmethod
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa

from rowferry.arrow.masks import Mask
from rowferry.kinds.kind import InSqlite, Kind, SpelledInPostgresql
from rowferry.kinds.unfit import UnfitError


class KeptAsText(Kind):
    """Values that are texts wherever they are in motion."""

    def arrow(self, column_type: Any) -> pa.DataType:
        return pa.string()

    def avro(self, arrow: pa.DataType) -> str | dict[str, Any]:
        return "string"

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> None:
        """Texts are read; nothing else is sure to be one."""
        return

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return False

    def widest(self, *size: int) -> pa.DataType:
        return pa.string()


class Respelled(KeptAsText):
    """Values of types that only PostgreSQL has, which may be spelled in several ways: `parse` chooses one of them."""

    tells_apart = False
    json_schema: Any = str
    spelled_in_postgresql = SpelledInPostgresql(None)
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=("BLOB",),
        unusual="0",
        joined=None,
    )

    @abstractmethod
    def parse(self, text: str) -> str: ...

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all that `parse` takes."""
        values = [self._parsed(text) for text in texts.to_pylist()]
        return pa.array(values, pa.string()), np.array([value is not None for value in values], dtype=np.bool_)

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == self.name

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        try:
            return pa.array((None if text is None else self.parse(text) for text in sent.to_pylist()), pa.string())
        except UnfitError as error:
            raise pa.ArrowInvalid(str(error)) from error

    def _parsed(self, text: str) -> str | None:
        try:
            return self.parse(text)
        except UnfitError:
            return None
