"""A process that reads an Avro file for jobs, as restore would: `python hostile_reading.py FILE`.

It writes the error, or the number of rows, and the most memory it ever took in MiB.
"""

import re
import sys
from pathlib import Path

from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import RowferryError
from rowferry.sources.avro.source import AvroSource


def main(path: str) -> None:
    told = ""
    try:
        with AvroSource(Path(path), load_catalog("rowferry.models").table("jobs")) as source:
            source.check()
            for _ in source.batches():
                pass
            told = f"{source.rows_read} rows"
    except RowferryError as error:
        told = f"{error.code}: {error.message}"
    sys.stdout.write(f"{_peak()}\n{told}\n")


def _peak() -> int:
    """Of this program alone: what Linux counts otherwise is at least what the process was that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]  # it is always there


if __name__ == "__main__":
    main(sys.argv[1])
