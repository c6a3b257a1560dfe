"""Files that are there whole or not at all."""

import os
import secrets
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
    # Its name is known before it exists, so that nothing of it stays, wherever it is interrupted.
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with room_needed():
            try:
                with unfinished.open("xb") as file:
                    file.writelines(parts)
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FileUnwritable(path=path, reason=error.strerror or str(error)) from error
