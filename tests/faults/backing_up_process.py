"""A process that backs all tables up again and again until it is killed: `python backing_up_process.py URL FOLDER`.

It writes a line to its standard output before it begins.
"""

import sys
from pathlib import Path

from rowferry.backups.store import BackupStore
from rowferry.bootstrap import Service
from rowferry.operations.backup_table import BackupOptions, backup_table
from rowferry.settings import read_settings


def main(url: str, folder: str) -> None:
    service = Service(read_settings(url))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        tables = list(service.catalog)
        backup_table(service.backend, BackupStore(Path(folder)), tables, BackupOptions("killed"), lambda _: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
