"""Uploaded files on their way to disk: the body is never held whole, and no load waits for a slow client."""

import fcntl
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from rowferry.api.media_types import is_json
from rowferry.api.problems import RequestRefused
from rowferry.backends.file_lock import is_held
from rowferry.errors import FileUnwritable
from rowferry.files.disk_full import temporary_folder

_PREFIX, _SUFFIX = "rowferry-upload-", ".csv"

_WRITTEN_BYTES = 1024 * 1024

_HOW = "Send the CSV as the request body, or as the part `file` of a form: curl -F file=@<table>.csv URL."


@dataclass(frozen=True)
class Upload:
    """A file that was sent to us, the name by which people know it, and what character set it is told to be in."""

    path: Path
    name: str
    charset: str
    file: IO[bytes]

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()


async def receive_upload(request: Request, table: str) -> Upload:
    """Write the CSV file that a request carries, as its body or as part `file` of a form, to a temporary file.

    Raises:
        RequestRefused: The body is a form, but has no such part or is not whole; or it is told to be JSON.
        DiskFull, FolderUnusable: There is no room, or no folder; nothing is left behind, here as in any other case.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if is_json(content_type.decode("latin-1")):
        raise RequestRefused(415, "request.media_type", "The body is declared as JSON, but a load takes CSV", _HOW)
    part = _FilePart(options.get(b"boundary", b"")) if content_type == b"multipart/form-data" else None
    with temporary_folder():
        file = _new_file()
        try:
            await _write(file, part.data(request.stream()) if part else request.stream())
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            file.close()
            raise
    name = _base_name(part.filename if part else "") or f"{table}.csv"
    return Upload(Path(file.name), name, part.charset if part else _charset(options), file)


def sweep_uploads() -> None:
    """Remove the files of uploads whose process is gone."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*{_SUFFIX}"):
        # A file of somebody else is none of ours to remove, nor is one that has just gone.
        with suppress(OSError, FileUnwritable):
            is_held(path)


def _new_file() -> IO[bytes]:
    """A temporary file whose lock is held until it is closed; the lock says that its process is alive."""
    while True:
        file = tempfile.NamedTemporaryFile(prefix=_PREFIX, suffix=_SUFFIX, delete=False)  # noqa: SIM115  # the upload's
        fcntl.flock(file, fcntl.LOCK_EX)
        if Path(file.name).exists():
            return cast("IO[bytes]", file)
        file.close()  # it was swept away before we had its lock


async def _write(file: IO[bytes], blocks: AsyncIterator[bytes]) -> None:
    waiting = bytearray()
    async for block in blocks:
        waiting += block
        if len(waiting) >= _WRITTEN_BYTES:
            await run_in_threadpool(file.write, waiting)
            waiting = bytearray()
    await run_in_threadpool(file.write, waiting)
    await run_in_threadpool(file.flush)


def _charset(options: dict[bytes, bytes]) -> str:
    """The character set that a Content-Type names; empty if it names none."""
    return options.get(b"charset", b"").decode("latin-1").strip()


def _base_name(filename: str) -> str:
    """The name alone of a file that a client says to have sent, which may be a path of its own system."""
    return re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", filename)[-1])[:255]


class _FilePart:
    """The part named `file` of a form, taken out of it while it arrives; of any size, with or without a file name."""

    def __init__(self, boundary: bytes) -> None:
        if not boundary:
            raise RequestRefused(422, "request.body", "The form has no boundary", _HOW)
        self.filename = self.charset = ""
        self._found = self._taking = self._whole = False
        self._name, self._value, self._disposition, self._type = b"", b"", b"", b""
        self._taken = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._take_name,
                "on_header_value": self._take_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._take,
                "on_end": self._end,
            },
        )

    async def data(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes of the part, out of the blocks of the body."""
        async for block in blocks:
            self._taken = bytearray()
            try:
                self._parser.write(block)
            except FormParserError as error:
                raise RequestRefused(422, "request.body", f"Cannot read the form: {error}", _HOW) from error
            yield bytes(self._taken)
        if not self._whole:
            raise RequestRefused(422, "request.body", "The form is incomplete", _HOW)
        if not self._found:
            raise RequestRefused(422, "request.body", "The form has no part named file", _HOW)

    def _begin(self) -> None:
        self._disposition, self._type, self._taking = b"", b"", False

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        elif self._name.lower() == b"content-type":
            self._type = self._value
        self._name, self._value = b"", b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != b"file":
            return
        if self._found:
            raise RequestRefused(
                422, "request.body", "The form has more than one part named file", "Send them one by one."
            )
        self._found = self._taking = True
        self.filename = options.get(b"filename", b"").decode("utf-8", "replace")
        self.charset = _charset(parse_options_header(self._type)[1])

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self._taken += data[start:end]

    def _end(self) -> None:
        self._whole = True
