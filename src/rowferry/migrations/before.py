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

_ADDED = {
    "idempotency_keys": {"key", "route", "caller", "request_sha256", "answer"},
    "idempotent_replies": {"key", "route", "request_sha256", "answer"},
    "witnessed_time": {"id", "seconds"},
    "backups": {"backup_id", "snapshot_id", "table", "manifest_sha256"},
    "verifications": {"verification_id", "backup_id", "damage"},
    "restores": {"restore_id", "table", "added", "removed", "obstacles"},
}
"""The same of tables that later ones made under plain names, too."""


def old_versions(place: Place) -> Table:
    """The table of the migrations that a database has had, or what a ledger that has moved has left in its place."""
    return Table("rowferry_schema", MetaData(), schema=place.home)


def unversioned(place: Place) -> list[Table]:
    """The tables that may be of a program without migrations."""
    return [Table(name, MetaData(), schema=place.home) for name in _COLUMNS]


def out_of_place(place: Place) -> list[Table]:
    """The tables that may be of any program before."""
    return [Table(name, MetaData(), schema=place.home) for name in _COLUMNS | _ADDED]


def left_out_of_place(place: Place, columns: Mapping[str, Collection[str]]) -> set[str]:
    """The names of those that are, by the columns that were found of each; none once they have been moved."""
    known = _COLUMNS | _ADDED
    return {table.name for table in out_of_place(place) if known[table.name].issubset(columns.get(table.key, ()))}


def has_unversioned(place: Place, columns: Mapping[str, Collection[str]]) -> bool:
    """Whether one of them is, by the columns that were found of each."""
    return any(_COLUMNS[table.name].issubset(columns.get(table.key, ())) for table in unversioned(place))
