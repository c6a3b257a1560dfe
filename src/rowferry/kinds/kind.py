"""What is to be known of a kind of value: the facets that each file of this package says of one kind.

A facet that a kind lacks is named when Python makes the kind, so that nothing is half known.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Literal, Self

import pyarrow as pa
from sqlalchemy import types as sql

from rowferry.arrow import compute as pc
from rowferry.arrow.masks import Mask
from rowferry.kinds.unfit import UnfitError

Affinity = Literal["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"]
JsonType = Literal["whole", "fractional", "boolean", "array"]


@dataclass(frozen=True)
class InSqlite:
    """How SQLite, which has five classes of values and no more, holds the values of a kind."""

    classes: frozenset[type]
    """What Python's driver gives for them, if nobody put anything else there."""

    spoiled_by: tuple[Affinity, ...]
    """Columns of these affinities change values without a word."""

    left_alone_by: tuple[Affinity, ...]
    """Columns of these affinities keep what others write in another form."""

    unusual: str
    """The condition in SQL that {0}, which is not null, may stand for a value in another form than it usually has."""

    joined: Literal["numbers", "texts"] | None
    """How the values of a column can be read as one: as integers, as texts, or not at all."""

    @classmethod
    def as_text(cls, usual: str) -> Self:
        """Of values that SQLite has no class for: they are texts there, which usually are like a pattern of GLOB."""
        return cls(
            classes=frozenset({str, NoneType}),
            spoiled_by=("INTEGER", "REAL"),
            left_alone_by=("TEXT", "NUMERIC", "BLOB"),
            unusual=f"(typeof({{0}}) = 'text' AND {{0}} NOT GLOB '{usual}')",
            joined="texts",
        )


@dataclass(frozen=True)
class SentByPostgresql:
    """How values of fixed width are read from PostgreSQL: in the binary form that it sends them in.

    Nothing is cast on the way: a column that has fractions where its model has none is refused, not rounded.
    """

    function: str
    """What makes the binary form of {}, in SQL."""

    numbers: str
    """What that is to NumPy."""

    epoch: int = 0
    """What Arrow counts where PostgreSQL counts 0."""

    limits: tuple[int, int] | None = None
    """The least and the greatest value as Arrow counts it, where PostgreSQL knows others."""

    spell: Callable[[int], str] = str
    """A value beyond the limits, as Arrow would count it, in words."""


@dataclass(frozen=True)
class SpelledInPostgresql:
    """How values that are texts here stand in a type of PostgreSQL's own: cast, and compared as it spells them.

    Nothing else is sure of being the same: to a type of its own, different values may be equal, or none is.
    """

    binary: bytes | None
    """What its binary form has before the text; None if that is another form altogether."""

    spelling: str = "CAST({} AS text)"
    """The text of a value, in SQL."""


class Kind(ABC):
    """One kind of value. There is one object of each kind."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called wherever a table is described."""

    @property
    @abstractmethod
    def noun(self) -> str:
        """Completes the sentence "must be …"."""

    tells_apart = True
    """Whether values that are equal are spelled alike, so that they may belong to a key."""

    def in_database(self, dialect: str) -> "Kind":  # most are the same everywhere
        """The kind for databases of a dialect, where they take some values for others."""
        return self

    # Its types, in models, in Arrow and in Avro

    @property
    @abstractmethod
    def sql_types(self) -> tuple[type[sql.TypeEngine[Any]], ...]:
        """The types of SQLAlchemy whose columns hold such values."""

    @property
    def sample(self) -> sql.TypeEngine[Any]:
        """One of its SQL types, for the documentation."""
        return self.sql_types[0]()

    @property
    def kept(self) -> str:
        """What databases keep of its values, for the documentation."""
        return "The same value."

    def covers(self, column_type: Any, dialect: str) -> bool:  # most are the same everywhere
        """Whether the columns of a SQL type hold such values in a database of a dialect; "" is none."""
        return isinstance(column_type, self.sql_types)

    def of(self, column_type: Any) -> "Kind":  # most kinds are the same whatever their type says
        """The kind of a column of one of its SQL types, which may know more of it."""
        return self

    @property
    def is_text(self) -> bool:
        """Whether PostgreSQL may compare them by a collation, or keep them as labels of an enumeration."""
        return False

    @abstractmethod
    def arrow(self, column_type: Any) -> pa.DataType:
        """The Arrow type of the columns of one of its SQL types.

        Raises:
            LookupError: The type holds other values after all; the message says what to use.
        """

    @abstractmethod
    def avro(self, arrow: pa.DataType) -> str | dict[str, Any]:
        """How the values of an Arrow type stand in Avro."""

    @property
    def avro_logical(self) -> Mapping[tuple[str, str], pa.DataType]:
        """What values of a primitive and a logical type of Avro are to Arrow, which counts them in the same way."""
        return {}

    def default(self, value: Any) -> object:
        """What a model gives as the default of a column, as a value of this kind."""
        return value

    def spell_default(self, value: object) -> str:
        """The same in the grammar of this kind: what SQLAlchemy would store.

        Raises:
            UnfitError: It stands for no value.
        """
        given = self.default(value)
        if isinstance(given, Enum):  # drivers take one that is a text or a number, too, for that
            given = given.value if isinstance(given, str | int | float) else given.name
        return given if isinstance(given, str) else self.spell(given)

    def avro_default(self, value: Any, arrow: pa.DataType) -> object:
        """A value as the default of a field, which Avro's specification has as JSON."""
        return pa.scalar(value, arrow).as_py()

    def to_avro(self, values: pa.Array) -> pa.Array:
        """A column as the encoder of Avro takes it: it only knows how types are encoded, not what they mean."""
        return values

    def promoted(self, values: pa.Array, arrow: pa.DataType) -> pa.Array:
        """Values of an Avro file in the type of their column, where Avro's resolution leads there; else as they are."""
        return values

    # Text

    @abstractmethod
    def parse(self, text: str) -> object:
        """The value of a text: the exact judge, by which every faster way is held (docs/decisions/0002).

        Raises:
            OutOfRangeError: It fits the grammar, but no column can hold the value.
            UnfitError: It does not fit; the message names the fault if it can be told.
        """

    @abstractmethod
    def read(self, texts: pa.StringArray, arrow: pa.DataType) -> tuple[pa.Array, Mask]:
        """The values of a whole column of texts, and where they are sure: there `parse` finds the same, in range.

        Values that are not sure are null, or anything, where the column has them as they are.
        """

    def characters(self, length: int) -> int:
        """How many characters the text of a value has at most that is as long as its column allows."""
        return length

    def bounds(self, arrow: pa.DataType) -> tuple[int, int] | None:
        """The least and the greatest value, of integers."""
        return None

    def holds(self, value: Any, arrow: pa.DataType) -> bool:
        """Whether a column of an Arrow type can hold a value that `parse` found."""
        return True

    def limits(self, arrow: pa.DataType) -> str:
        """Completes the sentence "must …", of a value that is out of range."""
        return f"be {self.noun}"

    # Values that come typed

    @abstractmethod
    def fitting(self, values: pa.Array, arrow: pa.DataType, *, present: bool) -> pa.BooleanArray | None:
        """Which values are there and in range; None where their type is not that of the column.

        Those that are `present` come from a table that held them.
        """

    @abstractmethod
    def takes(self, value: object, arrow: pa.DataType) -> bool:
        """Whether a value that is no text, from a column of an Arrow type, may stand for one of this kind."""

    def spell(self, value: Any) -> str:
        """A value that is no text, in the grammar of this kind.

        Raises:
            OutOfRangeError: It would become another value.
        """
        return str(value)

    # JSON

    @property
    def json_types(self) -> tuple[JsonType, ...]:
        """The types, besides text, whose spelling is judged by the grammar."""
        return ()

    is_json = False
    """Whether a value is whatever stands in JSON; a text there has its quotes then."""

    def to_json(self, value: Any) -> object:
        """A value as JSON has it, without loss."""
        return value

    @property
    def json_limits(self) -> Mapping[str, Any]:
        """What Pydantic is told beside it."""
        return {}

    @property
    @abstractmethod
    def json_schema(self) -> Any:
        """The annotation by which Pydantic describes it."""

    @property
    @abstractmethod
    def example(self) -> object:
        """A value as it may stand in JSON."""

    # What each database keeps

    @abstractmethod
    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        """Whether a type of PostgreSQL, as `format_type` spells it, keeps the values, or says that it cannot."""

    @property
    def spelled_in_postgresql(self) -> SpelledInPostgresql | None:
        """None if Arrow has the values in a type that PostgreSQL has, too."""
        return None

    def for_postgresql(self, text: str) -> str:
        """A value as PostgreSQL reads it, where it has a type of its own for it."""
        return text

    @property
    def sent_by_postgresql(self) -> SentByPostgresql | None:
        """None if values are sent as texts."""
        return None

    compared_by_postgresql: str | None = None
    """The function of PostgreSQL whose results are compared, where values that it takes for equal may differ."""

    text_of_postgresql = "{}::text"
    """What makes a text of {} that `received` knows, in SQL, whatever the session says of texts."""

    def received(self, sent: pa.Array, arrow: pa.DataType) -> pa.Array:
        """Values as PostgreSQL sent them, in the type of their column.

        Raises:
            pa.ArrowInvalid: It has no room for one of them.
        """
        return pc.cast(sent, arrow)

    @property
    @abstractmethod
    def sqlite(self) -> InSqlite: ...

    @abstractmethod
    def widest(self, *size: int) -> pa.DataType:
        """The Arrow type that holds the values of all columns, or of those of a size."""

    def spell_sqlite(self, stored: Any) -> str:
        """What SQLite holds, in the grammar of this kind.

        Raises:
            UnfitError: It stands for no value, or not exactly.
        """
        if isinstance(stored, bytes):
            raise UnfitError
        return stored if isinstance(stored, str) else repr(stored)

    def from_sqlite(self, stored: Any, arrow: pa.DataType) -> Any:
        """The value that something which SQLite holds, other than null, stands for.

        Raises:
            UnfitError: It stands for none, or not exactly.
        """
        try:
            return pa.scalar(self.parse(self.spell_sqlite(stored)), arrow).as_py()
        except (pa.ArrowInvalid, OverflowError) as error:
            raise UnfitError from error

    def read_sqlite(self, stored: tuple[Any, ...], arrow: pa.DataType) -> pa.Array:
        """The values of a column whose classes are those of this kind.

        Raises:
            pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError: One of them is unusual.
        """
        if self.sqlite.joined == "texts":
            return self.read_joined(pa.array(stored, pa.string()), arrow)
        return pa.array(stored, arrow)

    def read_joined(self, texts: pa.StringArray, arrow: pa.DataType) -> pa.Array:
        """The values of a column of texts, where values are joined as texts.

        Raises:
            pa.ArrowInvalid: One of them is unusual.
        """
        return pc.cast(texts, arrow)


def between(values: pa.Array, least: Any, greatest: Any) -> pa.BooleanArray:
    """Which values are there and lie in a range."""
    found = pc.min_max(values).as_py()
    if found["min"] is None or (found["min"] >= least and found["max"] <= greatest):
        return pc.is_valid(values)
    return pc.and_(
        pc.greater_equal(values, pa.scalar(least, values.type)), pc.less_equal(values, pa.scalar(greatest, values.type))
    )


def cast_or_keep(values: pa.Array, arrow: pa.DataType) -> pa.Array:
    """The same values in another type, or just as they are where one of them has no place in it."""
    try:
        return pc.cast(values, arrow)
    except pa.ArrowInvalid:
        return values


def is_number(value: object) -> bool:
    """Whether a value is a number, which to Python truth values are, too."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def whole(stored: Any) -> Any:
    """A float without a fraction as the integer that it is to SQLite."""
    return int(stored) if isinstance(stored, float) and math.isfinite(stored) and stored.is_integer() else stored
