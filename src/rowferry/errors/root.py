"""What all errors of the product have in common: a code, a message (the docstring) and a hint of what to do."""

from string import Formatter
from typing import ClassVar


class RowferryError(Exception):
    """An operation of Rowferry failed"""

    code: ClassVar[str] = "rowferry"
    hint: ClassVar[str] = ""

    def __init__(self, **details: object) -> None:
        self.details = details
        self.message = _fill(type(self).__doc__ or "", details)
        self.advice = _fill(self.hint, details)
        super().__init__(self.message)

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "hint": self.advice}


def _fill(template: str, details: dict[str, object]) -> str:
    return Formatter().vformat(template, (), details)


class UsageError(RowferryError):
    """What was asked for makes no sense"""
