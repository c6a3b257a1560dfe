"""What takes the place of a part of Rowferry that is switched off: each function is given the part and makes another.

Nothing is imported before it is needed, since starts are measured, too.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

from rowferry import lazy

np, pa = lazy.module("numpy"), lazy.module("pyarrow")
_pc = lazy.module("pyarrow.compute")
_byte_source = lazy.module("rowferry.sources.csv.byte_source")
_copy_format = lazy.module("rowferry.backends.postgresql.copy_format")
_framing = lazy.module("rowferry.sources.csv.framing")
_known_keys = lazy.module("rowferry.judging.known_keys")
_stored_keys = lazy.module("rowferry.judging.stored_keys")
_postgresql_writer = lazy.module("rowferry.backends.postgresql.writer")

Part = Callable[..., Any]

_PAGE_ROWS = 16_384
_ROWS_A_STATEMENT = 100


def never(_: Part) -> Part:
    return lambda *_, **__: False


def always(_: Part) -> Part:
    return lambda *_, **__: True


def idle(_: Part) -> Part:
    return lambda *_, **__: None


def idle_context(_: Part) -> Part:
    return lambda *_, **__: nullcontext()


def same(_: Part) -> Part:
    """What is given comes back as it is."""
    return lambda given: given


def unchanged(part: Part) -> Part:
    """The part itself, to see whether it is used."""
    return part


# Reading and judging


def large_blocks(_: Part) -> Part:
    return lambda: repeat(_byte_source.BLOCK_BYTES)


def stray_quotes_line_by_line(find_lines: Part) -> Part:
    def find(data: bytes, delimiter: int) -> Any:
        lines = find_lines(data, delimiter)
        return replace(lines, stray=np.zeros_like(lines.stray))

    return find


def quotes_line_by_line(find_lines: Part) -> Part:
    def find(data: bytes, delimiter: int) -> Any:
        lines = find_lines(data, delimiter)
        quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _framing.QUOTE)
        return replace(lines, plain=lines.plain & ~_framing.with_places(lines.starts, quotes))

    return find


def nothing_sure(_: Part) -> Part:
    """A reader of columns that leaves every value to the exact judge."""
    return lambda rule, texts: (pa.nulls(len(texts), rule.arrow), np.zeros(len(texts), dtype=np.bool_))


def nothing_usual(_: Part) -> Part:
    return lambda texts, *_: np.zeros(len(texts), dtype=np.bool_)


def each_cell(_: Part) -> Part:
    """A dictionary in which each value stands as often as it comes."""
    return lambda cells: pa.DictionaryArray.from_arrays(np.arange(len(cells), dtype=np.int32), cells)


def each_message(spelled_faults: Part) -> Part:
    def spell(column: str | None, code: str, messages: Any) -> Any:
        is_dictionary = pa.types.is_dictionary(messages.type)
        return spelled_faults(column, code, messages.dictionary_decode() if is_dictionary else messages)

    return spell


def public_functions(_: Part) -> Part:
    call: Part = _pc.call_function
    return call


def known_values(_: Part) -> Part:
    def known(arrow: Any) -> Any:
        values = _known_keys.KnownValues(arrow)
        add = values.add
        values.add = lambda keys: add(_pc.cast(keys, arrow))  # pages of keys are integers of 64 bits
        return values

    return known


def stored_keys(_: Part) -> Part:
    return lambda _: _stored_keys.StoredKeys()


def each_hash(_: Part) -> Part:
    return lambda column: np.fromiter(map(hash, column.to_pylist()), dtype=np.int64, count=len(column))


# Into SQLite


def checks_each_row(begin: Part) -> Part:
    return lambda transaction, **_: begin(transaction, checks_references=True)


def columns_of_table(_: Part) -> Part:
    return lambda rules: list(rules.names)


def stage_of_inserts(stage: Any) -> Any:
    """A stage whose rows go in by statements, a hundred at a time, instead of as pages of a file."""

    class InsertedStage(stage):  # type: ignore[misc]
        def __init__(self, path: Path, name: str, _: str) -> None:
            self.name, self.sealed = name, False
            self._path, self._attached, self._tables = path, False, 0
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN"):
                self._file.execute(statement)

        def table(self, columns: Sequence[str]) -> tuple[str, "_InsertedTable"]:
            name, self._tables = f"rows_{self._tables}", self._tables + 1
            return name, _InsertedTable(self._file, name, columns)

        def seal(self) -> None:
            if not self.sealed:
                self._file.execute("COMMIT")
                self._file.close()
                self.sealed = True

    return InsertedStage


class _InsertedTable:
    def __init__(self, driver: sqlite3.Connection, name: str, columns: Sequence[str]) -> None:
        self._driver, self._name, self._width = driver, name, 1 + len(columns)
        driver.execute(f"CREATE TABLE {name} (rowferry_row_number INTEGER PRIMARY KEY, {', '.join(columns)})")

    def write(self, row_numbers: Any, columns: Sequence[Any]) -> None:
        flat: list[Any] = [None] * (self._width * len(row_numbers))
        for at, values in enumerate([row_numbers.tolist(), *(column.to_pylist() for column in columns)]):
            flat[at :: self._width] = values
        row, step = f"({', '.join('?' * self._width)})", _ROWS_A_STATEMENT * self._width
        for size in (step, self._width):
            whole = len(flat) // size * size
            statement = f"INSERT INTO {self._name} VALUES {', '.join([row] * (size // self._width))}"
            self._driver.executemany(statement, (flat[at : at + size] for at in range(0, whole, size)))
            flat = flat[whole:]

    def end(self) -> None:
        """All rows are in."""


# Into PostgreSQL


def csv_format(_: Part) -> Part:
    return lambda _: _copy_format._Csv()


def staged_writer(_: Part) -> Part:
    def make(transaction: Any, table: Any, rules: Any, _: Any) -> Any:
        return _postgresql_writer.PostgresqlStagedWriter(transaction, table, rules, dry_run=False)

    return make


def hold_all(_: Part) -> Part:
    return lambda referred, *given: referred._hold_all(*given)


def memory_as_it_is(sql: Part) -> Part:
    return lambda text: sql("SELECT 1" if "maintenance_work_mem" in text else text)


# Backups and restores


def row_by_row(_: Part) -> Part:
    """Rows of a table of PostgreSQL as the driver gives them."""

    def read(snapshot: Any, rules: Any) -> Iterator[Any]:
        names, key = (", ".join(f'"{name}"' for name in each) for each in (rules.names, rules.key))
        with snapshot._driver().cursor(name="rowferry_rows", binary=True) as cursor:
            cursor.execute(f'SELECT {names} FROM "{rules.name}" ORDER BY {key}')
            while rows := cursor.fetchmany(_PAGE_ROWS):
                columns = zip(zip(*rows, strict=True), rules.columns, strict=True)
                arrays = [pa.array(values, column.arrow) for values, column in columns]
                yield pa.RecordBatch.from_arrays(arrays, schema=rules.schema)

    return read


def no_threads(_: Part) -> Part:
    """Runs what is submitted at once."""
    return _Executor


class _Executor:
    def __init__(self, *_: Any, **__: Any) -> None:
        """As many threads as are asked for: none."""

    def __enter__(self) -> "_Executor":
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to wait for."""

    def submit(self, work: Part, *given: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*given))
        except Exception as error:  # whoever asks for the result gets it
            done.set_exception(error)
        return done

    def shutdown(self, **_: Any) -> None:
        """There is nothing to wait for."""


def nothing_hashed(_: Part) -> Part:
    @contextmanager
    def hashed(*_: Any) -> Iterator[Callable[[Any], None]]:
        yield lambda _: None

    return hashed
