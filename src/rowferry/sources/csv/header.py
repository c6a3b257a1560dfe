"""What the first row of a CSV file says about its columns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from rowferry.dictionary.faults import shown
from rowferry.dictionary.rules import TableRules
from rowferry.errors import HeaderUnfit
from rowferry.sources.csv.form import CsvForm, spelled

NOT_AS_IT_CAME = "empty_this_once_corrected"
"""A column of the correctable file: in it stands the code of a fault that kept a row from being shown as it came.

Such a row might pass as another than the one that was sent, so it stays rejected until somebody has emptied the cell.
"""

REASONS = ("rejected_row_number", "rejected_because", NOT_AS_IT_CAME)
"""Columns that the correctable file of rejected rows adds; a header may have them, and they are passed over."""

PASSED_OVER = ""
"""Stands for a column that was to be passed over."""

ABSENT = -1
"""The field of a column that a file has not."""

_NAMED = 10
"""So many names are told at most."""


@dataclass(frozen=True)
class Columns:
    """The columns of a file: what each field is, and in which field each column of the table stands, or ABSENT."""

    names: list[str]
    order: list[int]

    @property
    def given(self) -> frozenset[str]:
        """The columns of the table that the file has."""
        return frozenset(name for name in self.names if name and name not in REASONS)


def in_order_of(rules: TableRules) -> Columns:
    """The columns of a file without header: all that can be given."""
    return _columns(rules, list(rules.given))


def _columns(rules: TableRules, names: list[str]) -> Columns:
    return Columns(names, [names.index(name) if name in names else ABSENT for name in rules.names])


class FirstRow:
    """The first row of a file as a header: which columns of a table its cells name, None where they name none."""

    def __init__(self, cells: Sequence[str], rules: TableRules, form: CsvForm) -> None:
        self.cells, self.rules = cells, rules
        # A name of a table may have blanks around it, in which it differs from another.
        known = {spelled(name): name for name in (*REASONS, *rules.names)}
        known |= {name.casefold(): name for name in (*REASONS, *rules.names)}
        self._known = known
        self._form = form
        self.meant = [self._column(cell) for cell in cells]

    def _column(self, cell: str) -> str | None:
        name = spelled(cell)
        if name in self._form.ignored:
            return PASSED_OVER
        column = self._known.get(cell.casefold(), self._known.get(name))
        return self._known.get(self._form.renamed[name].casefold(), column) if name in self._form.renamed else column

    @property
    def is_header(self) -> bool:
        """Whether at least half the cells are known, and not only those that are in any correctable file."""
        known = len(self.meant) - self.meant.count(None)
        return 2 * known >= len(self.meant) and any(name in self.rules.by_name for name in self.meant if name)

    @property
    def absent(self) -> list[str]:
        """The columns of the table that the file has not, and might have."""
        return [name for name in self.rules.given if name not in self.meant]

    def columns(self, path: str, row: int) -> Columns:
        """What the header says; HeaderUnfit if it lacks a column that has to be given, or has one too many."""
        lacking = [name for name in self.absent if self.rules.by_name[name].default is None]
        self._require_none_generated(path, row)
        unknown = [cell for cell, name in zip(self.cells, self.meant, strict=True) if name is None]
        twice = [name for name, times in Counter(self.meant).items() if name and times > 1]
        if lacking or unknown or twice:
            raise HeaderUnfit(
                path=path,
                row=row,
                header=shown(",".join(self.cells), 200),
                reason=self._reason(lacking, unknown, twice),
                advice=_advice(lacking, unknown, twice),
            )
        return _columns(self.rules, [name or PASSED_OVER for name in self.meant])

    def _require_none_generated(self, path: str, row: int) -> None:
        """Raise HeaderUnfit if a column is among them whose values the database makes, whatever is given."""
        generated = [name for name in self.meant if name and name not in REASONS and name not in self.rules.given]
        if generated:
            raise HeaderUnfit(
                path=path,
                row=row,
                header=shown(",".join(self.cells), 200),
                reason=f"it has {_listed(generated)}, whose values the database generates",
                advice=_advice([], generated, []),
            )

    def _reason(self, lacking: list[str], unknown: list[str], twice: list[str]) -> str:
        parts = [f"lacks {_listed(lacking)}"] if lacking else []
        if unknown:
            plural = "which is not a column" if len(unknown) == 1 else "which are not columns"
            parts.append(f"has {_listed(list(map(_named, unknown)))}, {plural} of {self.rules.name}")
        if twice:
            parts.append(f"has {_listed(twice)} more than once")
        return f"it {' and '.join(parts)}"


def _advice(lacking: list[str], unknown: list[str], twice: list[str]) -> str:
    advice = []
    if unknown:
        names = [spelled(name) and _printable_name(name) for name in unknown]
        named = next(filter(None, names), "")
        if lacking and named:
            pair = f"{named}={lacking[0]}" if len(lacking) == len(unknown) == 1 else "NAME=COLUMN"
            advice.append(f"map it to a column with --rename {_typed(pair)} (in a URL ?rename={quote(pair)})")
        listed = ",".join(map(_in_a_list, names[:_NAMED]))
        option = f"--ignore-columns {_typed(listed)} (in a URL ?ignore_columns={quote(listed, safe=',')})"
        advice.append(f"skip what should not be loaded with {option}")
    elif lacking:
        advice.append("add the column to the file")
    if twice:
        advice.append("remove one of the two columns")
    advice.append("use --header no (?header=no) if that row is data")
    return _as_sentence("; ".join(advice))


def _as_sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _typed(words: str) -> str:
    """What is to be typed after an option, quoted where a shell would read it otherwise."""
    plain = words.replace("_", "").replace("=", "").replace(",", "").replace("-", "")
    return words if plain.isalnum() else "'" + words.replace("'", "'\\''") + "'"


def _in_a_list(name: str) -> str:
    """A name among others, as `--ignore-columns` reads them; commands take no word that is empty."""
    return name if name and not {",", '"'} & set(name) else '"' + name.replace('"', '""') + '"'


def _named(cell: str) -> str:
    return _printable_name(cell) if spelled(cell) else "a column without a name"


def _printable_name(cell: str) -> str:
    """A name as it may stand in a message: short, and without what commands a terminal."""
    name = " ".join(cell.split())[:60]
    return name if name.isprintable() else repr(name)[1:-1]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
