"""The rejected rows of a load, batch or restore as CSV files to be corrected and loaded again: one for each table."""

from collections.abc import Iterator
from typing import Any

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.dictionary.catalog import Catalog
from rowferry.errors import LoadUnknown
from rowferry.sources.csv.correctable import correctable_csv, written_files
from rowferry.sources.json.source import as_csv_rows

_CHUNK = 1_000


def correctable_files(
    backend: Backend, catalog: Catalog, id_: str, table: str | None = None
) -> dict[str, Iterator[str]]:
    """The lines of the file of each table that has rejected rows, in the order of the tables; or of one `table` alone.

    What is asked for is there, though it had no rejected row: then all that it has is a header.

    Raises:
        LoadUnknown: Nothing has this id.
        TableUnknown: There is no such table.
    """
    with backend.errors(), backend.engine.connect() as connection:
        load, restore = ledger.find_load(connection, id_), ledger.find_restore(connection, id_)
        if not (load or restore or ledger.find_batch(connection, id_)):
            raise LoadUnknown(load_id=id_)
        names = [table] if table else ledger.tables_with_rejects(connection, id_)
    files = written_files(load)

    def lines(name: str) -> Iterator[str]:
        rules, found = catalog.table(name), _rejects(backend, id_, name)
        if load is None:
            found = as_csv_rows(rules, found, of_restore=restore is not None)
        return correctable_csv(rules, found, files)

    return {name: lines(name) for name in names}


def _rejects(backend: Backend, id_: str, table: str) -> Iterator[dict[str, Any]]:
    """All of them, chunk by chunk: whoever takes them slowly must not hold a transaction."""
    after = 0
    while True:
        with backend.errors(), backend.engine.connect() as connection:
            chunk = list(ledger.find_rejects(connection, id_, table=table, after=after, limit=_CHUNK))
        yield from chunk
        if len(chunk) < _CHUNK:
            return
        after = chunk[-1]["reject_id"]
