"""A process that restores tables, to be killed: `python restoring_process.py DATABASE_URL TABLE=FILE…`.

It writes a line to its standard output as soon as rows are read.
"""

import sys
from pathlib import Path

from rowferry.bootstrap import Service
from rowferry.events import Event, RowsJudged
from rowferry.operations.restore_receipt import RestoreClaim, RestoreOptions
from rowferry.operations.restore_sources import RestoreSource
from rowferry.operations.restore_table import restore_table
from rowferry.settings import read_settings


def main(url: str, *files: str) -> None:
    service = Service(read_settings(url))
    told: list[Event] = []

    def observe(event: Event) -> None:
        if isinstance(event, RowsJudged) and not told:
            told.append(event)
            sys.stdout.write("rows are read\n")
            sys.stdout.flush()

    pairs = [file.split("=", 1) for file in files]
    sources = [RestoreSource(service.catalog.table(name), Path(path), path) for name, path in pairs]
    claim = RestoreClaim.new("to be killed")
    restore_table(service.backend, service.catalog, sources, RestoreOptions(), observe, claim)


if __name__ == "__main__":
    main(*sys.argv[1:])
