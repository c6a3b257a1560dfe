"""What can be wrong with a row: the closed list of reject codes, and one fault of one row."""

from dataclasses import asdict, dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row; `column` is None where the fault is the whole row's."""

    column: str | None
    code: RejectCode
    message: str

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


def shown(value: object, limit: int = 60) -> str:
    """A value as it may stand in a message: quoted, on one line, at most about `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= limit else text[:limit] + "…")
