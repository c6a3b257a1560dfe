"""What can be wrong with a row: the reject codes, one family of which is open, and one fault of one row."""

from enum import StrEnum
from typing import NamedTuple


class RejectCode(StrEnum):
    """Why a row is rejected. Codes are never renamed or used for anything else."""

    TOO_FEW_FIELDS = "row.too_few_fields"
    TOO_MANY_FIELDS = "row.too_many_fields"
    QUOTE = "row.quote"
    ENCODING = "row.encoding"
    TOO_LONG = "row.too_long"
    NOT_AN_OBJECT = "row.not_an_object"
    REQUIRED = "value.required"
    TYPE = "value.type"
    RANGE = "value.range"
    LENGTH = "value.length"
    UNKNOWN_COLUMN = "value.unknown_column"
    CHECK = "value.check"
    DUPLICATE = "key.duplicate"
    CONFLICT = "key.conflict"
    REFERENCE = "reference.missing"


MEANINGS: dict[RejectCode, str] = {
    RejectCode.TOO_FEW_FIELDS: "The row has fewer fields than the table has columns.",
    RejectCode.TOO_MANY_FIELDS: "The row has more fields than the table has columns.",
    RejectCode.QUOTE: "A quote or a carriage return inside an unquoted field, or a quote that is followed by neither "
    "a delimiter nor a line end, or is never closed.",
    RejectCode.ENCODING: "The row contains bytes that cannot be decoded.",
    RejectCode.TOO_LONG: "The row is longer than 1 MiB; its first 64 KiB are kept.",
    RejectCode.NOT_AN_OBJECT: "The row of a batch is not a JSON object.",
    RejectCode.REQUIRED: "A required value is missing: it is empty, white space only, null or left out.",
    RejectCode.TYPE: "The value does not match the format of its column.",
    RejectCode.RANGE: "The value is well-formed, but out of the range of its column.",
    RejectCode.LENGTH: "The text is longer than its column allows.",
    RejectCode.UNKNOWN_COLUMN: "The row of a batch has a column that the table does not have.",
    RejectCode.CHECK: "The row breaks a CHECK constraint of its table.",
    RejectCode.DUPLICATE: "An earlier row without faults has the same key or unique value; the message names it.",
    RejectCode.CONFLICT: "The table has the key with other values, or the unique value with another key.",
    RejectCode.REFERENCE: "The value refers to a row that does not exist.",
}
"""What each code means, for the documentation."""

DATABASE_RULE = "database."
"""What codes of rules begin with that only the database knows: the name of the constraint or trigger follows."""

FAMILIES: dict[str, str] = {
    DATABASE_RULE
    + "<name>": "The database refuses the row because of a rule that is not in the model: the constraint, "
    "trigger or policy of that name. A rule without a name is given by its kind: check, check_option, foreign_key, "
    "limit, not_null, partition, row_level_security, trigger, type, unique.",
}
"""What codes mean that end in a name which others have chosen."""


class Fault(NamedTuple):
    """One thing that is wrong with a row; `column` is None where the fault is the whole row's.

    The code is a RejectCode, or of one of the FAMILIES.
    """

    column: str | None
    code: str
    message: str

    def as_dict(self) -> dict[str, str | None]:
        return {"column": self.column, "code": str(self.code), "message": self.message}


def shown(value: object, limit: int = 60) -> str:
    """A value as it may stand in a message: quoted, on one line, at most about `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= limit else text[:limit] + "…")
