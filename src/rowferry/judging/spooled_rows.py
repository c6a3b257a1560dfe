"""Batches of rows that wait on disk to be looked at again."""

from collections.abc import Iterator

import pyarrow as pa

from rowferry.files.disk_full import SpooledFile


class SpooledRows:
    """Batches of one schema, in a temporary file that is gone with the process."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self._file = SpooledFile()
        self._sizes: list[int] = []

    def add(self, columns: list[pa.Array]) -> None:
        """Keep some rows, given as columns."""
        if len(columns[0]):
            batch = pa.RecordBatch.from_arrays(columns, schema=self.schema)
            self._sizes.append(self._file.write(batch.serialize()))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """All batches, in their order; none is added any more."""
        self._file.seek(0)
        for size in self._sizes:
            yield pa.ipc.read_record_batch(pa.py_buffer(self._file.read(size)), self.schema)

    def close(self) -> None:
        """Give back the disk space."""
        self._file.close()
