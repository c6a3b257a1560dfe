"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rowferry.errors import FileUnwritable
from rowferry.streams.scratch import room_needed


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file through a temporary name in the same folder, and rename it once it is safely on disk.

    Raises:
        FileUnwritable: The folder is missing, or must not be written to.
        DiskFull: There is no room.
    """
    try:
        with room_needed(), tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            try:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error
