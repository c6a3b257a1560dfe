"""JSON whose values PostgreSQL keeps, and not how they are spelled: members in an order of its own, numbers in full."""

import re

import pyarrow as pa
from sqlalchemy.dialects import postgresql as sql

from rowferry.kinds.digits import MOST_BEFORE, MOST_BEHIND
from rowferry.kinds.json_texts import Json, JsonInSqlite
from rowferry.kinds.kind import Kind, SpelledInPostgresql
from rowferry.kinds.unfit import OutOfRangeError, UnfitError

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SUSPECT = re.compile(r"[0-9][eE][-+]?[0-9]{4}|(?<![0-9.])[0-9.]{16000}")
_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?(?:[eE](?P<power>[-+]?[0-9]+))?')
_ENOUGH = 9
"""So many digits of an exponent tell that a number is too long."""


class Jsonb(Json):
    """JSON without its spelling; SQLite keeps it as a text all the same."""

    name = "jsonb"
    noun = "JSON (RFC 8259)"
    sql_types = (sql.JSONB,)
    spelled_in_postgresql = SpelledInPostgresql(b"\x01")

    def in_database(self, dialect: str) -> Kind:
        return JSONB_IN_SQLITE if dialect == "sqlite" else self

    def parse(self, text: str) -> str:
        super().parse(text)
        _require_kept(text)
        return text

    def kept_by_postgresql(self, column_type: str, arrow: pa.DataType) -> bool:
        return column_type == "jsonb"


class JsonbInSqlite(Jsonb, JsonInSqlite):
    """The same in SQLite."""


def _require_kept(text: str) -> None:
    """Raise UnfitError for what PostgreSQL refuses within JSON: NUL in a text, and a number of very many digits."""
    if "\\u0000" in text and _NUL.search(text):
        raise UnfitError(r"it has \u0000, which PostgreSQL does not store")
    if _SUSPECT.search(text) and any(map(_is_too_long, _NUMBER.finditer(text))):
        raise OutOfRangeError("a number in it has more digits than PostgreSQL keeps")


def _is_too_long(found: re.Match[str]) -> bool:
    whole, fraction, power = (found[part] or "" for part in ("whole", "fraction", "power"))
    moved = int(power.lstrip("+-").lstrip("0")[:_ENOUGH] or 0) * (-1 if power.startswith("-") else 1)
    return len(whole.lstrip("0")) + moved > MOST_BEFORE or len(fraction) - moved > MOST_BEHIND


JSONB = Jsonb()
JSONB_IN_SQLITE = JsonbInSqlite()
