"""One of some texts that the type names, spelled as SQLAlchemy stores them: the names of an Enum's members."""

import re
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds.kind import InSqlite, Kind
from rowferry.kinds.texts import IN_POSTGRESQL
from rowferry.kinds.unfit import UnfitError

_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MOST = 12
"""So many choices are named in a message."""


@dataclass(frozen=True)
class Choice(Kind):
    """One of the texts `among`, in the order of the type."""

    among: tuple[str, ...] = ()
    members: tuple[tuple[object, str], ...] = field(default=(), compare=False)
    """Those of a class, and how each is stored."""

    name = "choice"
    sql_types = (sql.Enum,)
    sample = sql.Enum("red", "green")
    kept = "The text; PostgreSQL as a label of its enumeration, or in a column of texts."
    is_text = True
    sqlite = InSqlite(
        classes=frozenset({str, NoneType}),
        spoiled_by=("INTEGER", "REAL", "NUMERIC"),
        left_alone_by=(),
        unusual="0",
        joined="texts",
    )

    def of(self, column_type: Any) -> Kind:
        names = tuple(column_type.enums)
        members = getattr(column_type.enum_class, "__members__", {}).values()
        return Choice(names, tuple(zip(members, names, strict=False)))

    @property
    def noun(self) -> str:
        named = ", ".join(self.among[:_MOST])
        return f"one of {named}" + (f" and {len(self.among) - _MOST} more" if len(self.among) > _MOST else "")

    @property
    def example(self) -> str:
        return self.among[0]

    def arrow(self, column_type: Any) -> pa.DataType:
        if not column_type.enums:
            raise LookupError(f"{column_type!r}: it names no values")
        return pa.string()

    def avro(self, arrow: pa.DataType) -> str | dict[str, Any]:
        return {"type": "enum", "symbols": list(self.among)} if self._are_names else "string"

    def default(self, value: Any) -> object:
        return next((stored for member, stored in self.members if member is value), value)

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        return value

    def to_avro(self, values: pa.Array) -> pa.Array:
        """The number of each among the symbols, which is how Avro encodes them."""
        return pc.index_in(values, value_set=pa.array(self.among, pa.string())) if self._are_names else values

    def parse(self, text: str) -> str:
        if text not in self.among:
            raise UnfitError
        return text

    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """Sure of all choices but those that are white space."""
        wanted = [each for each in self.among if each.strip()]
        sure = mask_of(pc.is_in(texts, value_set=pa.array(wanted, pa.string())))
        return only(texts, sure), sure

    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> None:
        """Texts are read; nothing else is sure to be one."""
        return

    def takes(self, value: object, arrow: pa.DataType) -> bool:
        return False

    @property
    def json_schema(self) -> Any:
        return Literal[self.among]

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(IN_POSTGRESQL.fullmatch(column_type))

    def widest(self, *size: int) -> pa.DataType:
        return pa.string()

    def spell_sqlite(self, stored: Any) -> str:
        if not isinstance(stored, str):
            raise UnfitError
        return stored

    @property
    def _are_names(self) -> bool:
        return all(map(_AVRO_NAME.fullmatch, self.among))


CHOICE = Choice()
