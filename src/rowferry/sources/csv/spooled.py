"""Sources that can be read only once, such as pipes: kept on disk while they are loaded, to be read again."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from rowferry.errors import SourceUnreadable
from rowferry.files.disk_full import room_needed, temporary_folder
from rowferry.sources.csv.files import STANDARD_INPUT, CsvFile, CsvFiles


@contextmanager
def spooled(found: CsvFiles) -> Iterator[CsvFiles]:
    """The same files, those that are pipes or the like read to their end beforehand.

    Raises:
        SourceUnreadable: One of them cannot be read.
        DiskFull: There is no room for what comes out of them.
    """
    with ExitStack() as stack:
        yield CsvFiles([_on_disk(file, stack) for file in found], found.passed_over)


def _on_disk(file: CsvFile, stack: ExitStack) -> CsvFile:
    try:
        if not _is_read_once(file.path):
            return file
        with temporary_folder():
            copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="rowferry-input-"))  # noqa: SIM115
        with room_needed(), _opened(file.path) as source:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
    except OSError as error:
        raise SourceUnreadable(path=file.name, reason=error.strerror or str(error)) from error
    return replace(file, path=Path(copy.name))


def _is_read_once(path: Path) -> bool:
    mode = path.stat().st_mode
    return path == STANDARD_INPUT or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _opened(path: Path) -> BinaryIO:
    # Standard input may be a socket, which cannot be opened by its path.
    return open(0, "rb", closefd=False) if path == STANDARD_INPUT else path.open("rb")
