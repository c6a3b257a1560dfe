"""How a load is to be done, under which id, and for whom."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from rowferry import ledger
from rowferry.errors import OptionInvalid
from rowferry.sources.csv.form import CsvForm, csv_form

OnConflict = Literal["reject", "skip", "update"]


@dataclass(frozen=True)
class LoadOptions:
    """How a load is to be done; from `encoding` on, how its files are written."""

    on_conflict: OnConflict = "reject"
    all_or_nothing: bool = False
    max_rejects: str | None = None
    dry_run: bool = False
    encoding: str = "utf-8"
    exclusive: bool = False
    header: str = "auto"
    delimiter: str | None = None
    null: Sequence[str] = ()
    rename: Sequence[str] = ()
    ignore_columns: Sequence[str] = ()

    def form(self) -> CsvForm:
        """How the files are written; OptionInvalid if that cannot be."""
        return csv_form(self.header, self.delimiter, self.null, self.rename, self.ignore_columns)


@dataclass(frozen=True)
class LoadClaim:
    """Under which id a load is known, and who asked for it."""

    load_id: str
    caller: str

    @classmethod
    def new(cls, caller: str) -> Self:
        """A new id; ids sort by time."""
        now = ledger.now()
        return cls(f"load-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}-{secrets.token_hex(2)}", caller)


@dataclass(frozen=True)
class RejectLimit:
    """How many rejected rows a load may have: a number, or a share of the rows read."""

    number: float | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, options: LoadOptions) -> Self:
        """Read `N` or `P%`; OptionInvalid if it is neither."""
        if options.max_rejects is None:
            return cls(number=0) if options.all_or_nothing else cls()
        text = options.max_rejects.strip()
        if re.fullmatch(r"[0-9]{1,18}", text):
            limit = cls(number=int(text))
        elif re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?%", text) and float(text[:-1]) <= 100:
            limit = cls(percent=float(text[:-1]))
        else:
            allowed = "Give a number of rows, such as 100, or a percentage of them, such as 1%."
            raise OptionInvalid(option="max-rejects", value=options.max_rejects, allowed=allowed)
        return cls(number=0) if options.all_or_nothing else limit

    def exceeded(self, rejected: int, rows_read: int) -> bool:
        if self.percent is not None:
            return rejected * 100 > self.percent * rows_read
        return self.number is not None and rejected > self.number

    def __str__(self) -> str:
        return f"{self.percent:g} %" if self.percent is not None else f"{self.number:g}"
