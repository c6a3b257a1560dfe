"""The ledger of programs before, whose tables stood among those of others under plain names."""

from collections.abc import Collection, Mapping

from sqlalchemy import MetaData, Table

from rowferry.dictionary.place import Place

_COLUMNS = {
    "loads": {"load_id", "status", "dry_run", "caller", "sources", "tables", "rows_read"},
    "rejected_rows": {"load_id", "reject_id", "table", "source", "row_number", "raw", "errors"},
    "batches": {"batch_id", "status", "caller", "received", "inserted", "rejected"},
}
"""The tables that the first programs made, which kept no versions, and by which columns they are told from others."""


def old_versions(place: Place) -> Table:
    """The table of the migrations that a database has had, or what a ledger that has moved has left in its place."""
    return Table("rowferry_schema", MetaData(), schema=place.home)


def unversioned(place: Place) -> list[Table]:
    """The tables that may be of a program without migrations."""
    return [Table(name, MetaData(), schema=place.home) for name in _COLUMNS]


def has_unversioned(place: Place, columns: Mapping[str, Collection[str]]) -> bool:
    """Whether one of them is, by the columns that were found of each."""
    return any(_COLUMNS[table.name].issubset(columns.get(table.key, ())) for table in unversioned(place))
