"""Drafts tables for the CSV files of a folder: types, keys and references, each with its evidence."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from rowferry.drafts.column_profile import ColumnProfile
from rowferry.drafts.csv_profile import FileProfile, profile_file
from rowferry.drafts.draft import Draft, DraftTable, Faults, Part
from rowferry.errors import FolderEmpty
from rowferry.sources.csv.files import named_files
from rowferry.sources.csv.form import CsvForm

MOST_ROWS = 1_000_000
"""So many rows of a file are read unless asked otherwise."""

_ID = re.compile(r"(.*?)[ _]?(id|key|no|nr|number|code|uuid)", re.IGNORECASE)
_NO_KEY = 3
_HALF = 0.5
_MOST_KEY_LETTERS = 255


@dataclass(frozen=True)
class _Reference:
    """All values of a column are keys of another table, of which they are the `share`."""

    column: ColumnProfile
    parent: FileProfile
    key: ColumnProfile
    is_named: bool

    @property
    def share(self) -> float:
        return self.column.distinct.count / self.key.distinct.count

    @property
    def evidence(self) -> str:
        counts = f"{self.column.distinct.count:,} of {self.key.distinct.count:,}"
        return f"all values are in {self.parent.table}.{self.key.name} ({counts} of those)"


def draft_of_files(
    folder: Path, faults: Faults, form: CsvForm, encoding: str = "utf-8", most_rows: int = MOST_ROWS
) -> Draft:
    """Propose a table for each file, from at most so many of its rows; nothing that these rows contradict.

    Raises:
        FolderEmpty: There is no CSV file in the folder.
    """
    files = named_files(folder)
    if not files:
        raise FolderEmpty(path=folder, names="any <table>.csv")
    profiles = [profile_file(path, table, form, encoding, most_rows) for table, path in files.items()]
    keys = {profile.table: _key(profile) for profile in profiles}
    draft = Draft([], notes=[])
    for profile in profiles:
        if not profile.columns:
            draft.notes.append(f"{profile.table} is left out: {'; '.join(profile.notes)}")
            continue
        references = list(_references(profile, profiles, keys))
        draft.tables.append(_table(profile, keys[profile.table], references))
        draft.parts += [_part(profile, reference) for reference in references if _is_proposed(profile, reference)]
    draft.keep_what_is_served(faults)
    return draft


def _key(profile: FileProfile) -> list[ColumnProfile]:
    """The columns of a key: one that is unique and named like a key or stands first, or the first ones together.

    Any other column may be unique by chance.
    """
    unique = [column for column in profile.columns if _may_be_key(column)]
    likely = [column for column in unique if _rank(profile, column) < _NO_KEY]
    if likely:
        return [min(likely, key=lambda column: _rank(profile, column))]
    for size, distinct in profile.keys.items():
        first = profile.columns[:size]
        if profile.rows and distinct.is_unique and all(map(_may_be_part, first)):
            return first
    return []


def _may_be_key(column: ColumnProfile) -> bool:
    return column.is_key and column.longest <= _MOST_KEY_LETTERS


def _may_be_part(column: ColumnProfile) -> bool:
    return not column.missing and column.kind in ("integer", "text", "date") and column.longest <= _MOST_KEY_LETTERS


def _rank(profile: FileProfile, column: ColumnProfile) -> int:
    """How little a unique column is like a key: it may be named after its table, stand first, or be named like one."""
    named = _ID.fullmatch(column.name)
    if named and (not named[1] or _alike(named[1], profile.table)):
        return 0
    return 1 if column is profile.columns[0] else 2 if named else _NO_KEY


def _alike(name: str, table: str) -> bool:
    """Whether a name means a row of a table: department of departments, category of categories."""
    singular, plural = (re.sub(r"[\W_]", "", word).casefold() for word in (name, table))
    forms = {singular, f"{singular}s", f"{singular}es", f"{singular[:-1]}ies"}
    return bool(singular) and plural in forms


def _references(
    profile: FileProfile, profiles: Sequence[FileProfile], keys: dict[str, list[ColumnProfile]]
) -> Iterator[_Reference]:
    """The best reference of each column: by its name, or else that whose keys it has most of."""
    own = keys[profile.table]
    for column in profile.columns:
        if own == [column]:
            continue
        found = [
            _Reference(column, parent, key, _is_named(column, parent, key))
            for parent in profiles
            if parent is not profile and parent.is_whole and len(keys[parent.table]) == 1
            for key in keys[parent.table]
            if key.kind == column.kind and column.kind in ("integer", "text") and column.distinct.within(key.distinct)
        ]
        if found:
            yield max(found, key=lambda reference: (reference.is_named, reference.share))


def _is_named(column: ColumnProfile, parent: FileProfile, key: ColumnProfile) -> bool:
    """Whether a column is named after a table, or as its key is, if that says more than id."""
    said = _ID.fullmatch(column.name)
    same = column.name.casefold() == key.name.casefold() and column.name.casefold() not in ("id", "code", "key")
    return same or bool(said and _alike(said[1], parent.table)) or _alike(column.name, parent.table)


def _is_proposed(profile: FileProfile, reference: _Reference) -> bool:
    """Names decide where there are any; where there are none, values that use at least half the keys."""
    if profile.has_header:
        return reference.is_named
    return reference.share >= _HALF and not (reference.column.distinct.is_unique and reference.column.kind == "text")


def _table(profile: FileProfile, key: list[ColumnProfile], references: Sequence[_Reference]) -> DraftTable:
    types = {column.name: column.type() for column in profile.columns}
    for reference in references:
        if _is_proposed(profile, reference):
            types[reference.column.name] = reference.key.type()
    names = [column.name for column in key]

    def columns() -> Iterator[sa.Column[object]]:
        for column in profile.columns:
            is_key = column.name in names
            nullable = not is_key and (bool(column.missing) or not column.rows)
            alone: dict[str, bool] = (
                {"autoincrement": False} if names == [column.name] and column.kind == "integer" else {}
            )
            yield sa.Column(column.name, types[column.name], primary_key=is_key, nullable=nullable, **alone)  # type: ignore[arg-type]

    table = DraftTable(profile.table, columns, comments=_comments(profile, key))
    for column in profile.columns:
        table.of_columns[column.name] = column.evidence(profile.of)
    for reference in references:
        found = reference.evidence if _is_proposed(profile, reference) else f"no reference, though {reference.evidence}"
        table.of_columns[reference.column.name].append(found)
    return table


def _comments(profile: FileProfile, key: list[ColumnProfile]) -> list[str]:
    """What was read of a file, and how."""
    part = "all" if profile.is_whole else "the first"
    found = [f"{part} {profile.rows:,} rows were read", *profile.notes]
    if profile.unread:
        found.append(f"{profile.unread:,} more are not like the others, and were passed over")
    if not profile.has_header:
        found.append("the first row was read as data, so that columns have no names: rename them as you like")
    if len(key) > 1:
        found.append(f"no column is unique by itself, but {', '.join(column.name for column in key)} together are")
    if not key:
        found.append("no column is unique and without missing values, so there is no primary key")
    return ["; ".join(found)]


def _part(profile: FileProfile, reference: _Reference) -> Part:
    parent, target = reference.parent.table, f"{reference.parent.table}.{reference.key.name}"
    column = reference.column.name
    return Part(
        profile.table,
        f"the reference of {column} to {parent}",
        lambda: sa.ForeignKeyConstraint([column], [target]),
        parent,
    )
