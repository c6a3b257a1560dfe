"""One of some texts that the type names, spelled as SQLAlchemy stores them: the names of an Enum's members."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal

import pyarrow as pa
from sqlalchemy import types as sql
from sqlalchemy.engine.default import DefaultDialect

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask, mask_of, only
from rowferry.kinds.kept_texts import KeptAsText
from rowferry.kinds.kind import InSqlite, Kind
from rowferry.kinds.texts import IN_POSTGRESQL
from rowferry.kinds.unfit import UnfitError

_AVRO_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MOST = 12
"""So many choices are named in a message."""


@dataclass(frozen=True)
class Choice(KeptAsText):
    """One of the texts `among`, in the order of the type."""

    among: tuple[str, ...] = ()
    members: tuple[tuple[object, str], ...] = ()
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
        return Choice(tuple(column_type.enums), tuple(_members(column_type)))

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
        return super().arrow(column_type)

    def avro(self, arrow: pa.DataType) -> str | dict[str, Any]:
        return {"type": "enum", "symbols": list(self.among)} if self._are_names else "string"

    def default(self, value: Any) -> object:
        return next((stored for member, stored in self.members if member is value), value)

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

    @property
    def json_schema(self) -> Any:
        return Literal[self.among]

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return bool(IN_POSTGRESQL.fullmatch(column_type))

    def spell_sqlite(self, stored: Any) -> str:
        if not isinstance(stored, str):
            raise UnfitError
        return stored

    @property
    def _are_names(self) -> bool:
        return all(map(_AVRO_NAME.fullmatch, self.among))


def _members(column_type: Any) -> Iterator[tuple[object, str]]:
    """The members of its class, if it has one, and how SQLAlchemy stores each: an alias as what it is an alias of."""
    stored = column_type.bind_processor(DefaultDialect())
    for member in getattr(column_type.enum_class, "__members__", {}).values():
        with suppress(LookupError):  # a class may have members that its type leaves out
            yield member, stored(member)


CHOICE = Choice()
