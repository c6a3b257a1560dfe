"""Which rows may go in where rows refer to each other: a plain judge on dictionaries, sharing no code with ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = tuple[int | None, ...]
Rows = dict[tuple[int | None, ...], Row]


@dataclass(frozen=True)
class Definition:
    """A table: which columns are its key, and which of them refer to the key of which table."""

    key: tuple[int, ...]
    references: tuple[tuple[tuple[int, ...], str], ...]

    def key_of(self, row: Row) -> Row:
        return tuple(row[at] for at in self.key)


@dataclass
class Judged:
    """The rows of each table afterwards, and what is rejected: the code by row number, which counts from 1."""

    rows: dict[str, Rows]
    rejected: dict[str, dict[int, str]] = field(default_factory=dict)


def judge(
    tables: Mapping[str, Definition], before: Mapping[str, Rows], given: Mapping[str, Sequence[Row]], *, update: bool
) -> Judged:
    """Judge rows that come at the same time: the largest set whose references all lead somewhere, then their keys."""
    good = {name: dict(enumerate(rows, 1)) for name, rows in given.items()}
    judged = Judged({name: dict(rows) for name, rows in before.items()}, {name: {} for name in given})
    while orphans := _orphans(tables, before, good):
        for name, number in orphans:
            judged.rejected[name][number] = "reference.missing"
            del good[name][number]
    for name, rows in good.items():
        taken = set()
        for number, row in rows.items():
            key = tables[name].key_of(row)
            if key in taken:
                judged.rejected[name][number] = "key.duplicate"
                continue
            taken.add(key)
            if before[name].get(key, row) != row and not update:
                judged.rejected[name][number] = "key.conflict"
            else:
                judged.rows[name][key] = row
    return judged


def _orphans(
    tables: Mapping[str, Definition], before: Mapping[str, Rows], good: Mapping[str, Mapping[int, Row]]
) -> set[tuple[str, int]]:
    there = {name: {*before[name], *(tables[name].key_of(row) for row in rows.values())} for name, rows in good.items()}
    return {
        (name, number)
        for name, rows in good.items()
        for number, row in rows.items()
        for columns, parent in tables[name].references
        if None not in (wanted := tuple(row[at] for at in columns)) and wanted not in there[parent]
    }
