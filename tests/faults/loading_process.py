"""A process that loads files, to be killed: `python loading_process.py DATABASE_URL load|dry-run FILE…`.

It writes a line to its standard output as soon as rows are read.
"""

import sys
from pathlib import Path

from rowferry.bootstrap import Service
from rowferry.events import Event, RowsJudged
from rowferry.operations.full_bulk_insert import full_bulk_insert
from rowferry.operations.load_options import LoadClaim, LoadOptions
from rowferry.settings import read_settings
from rowferry.sources.csv.files import find_files


def main(url: str, mode: str, *files: str) -> None:
    service = Service(read_settings(url))
    catalog = service.catalog
    told: list[Event] = []

    def observe(event: Event) -> None:
        if isinstance(event, RowsJudged) and not told:
            told.append(event)
            sys.stdout.write("rows are read\n")
            sys.stdout.flush()

    found = find_files([Path(file) for file in files], catalog)
    options = LoadOptions(dry_run=mode == "dry-run")
    full_bulk_insert(service.backend, catalog, found, options, observe, LoadClaim.new("to be killed"))


if __name__ == "__main__":
    main(*sys.argv[1:])
