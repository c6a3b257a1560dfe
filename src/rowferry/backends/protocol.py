"""What an operation needs of a database; each database has one module that provides it."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
from sqlalchemy import Connection, Engine, FromClause, Table

from rowferry.backends.capabilities import Capabilities
from rowferry.dictionary.rules import TableRules

Locking = Literal["exclusive", "yielding", "sharing"]
"""What a transaction may lock to be faster: what it likes; as long as nobody waits to read; nothing that has rows."""


Holders = list[tuple[int, tuple[object, ...]]]
"""Rows, by position, that have the values of a row of a table in some columns, and the key of that row."""


class ParentKeys(Protocol):
    """Looks for keys of tables that others refer to; sees committed rows only."""

    def existing(self, table: Table, column: str, values: Sequence[object]) -> list[object]:
        """Those of the values that a column of a table holds."""

    def existing_together(self, rules: TableRules, rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the values of a row of the table in all of their columns; none is null."""

    def next_keys(self, table: Table, column: str, after: int, most: int) -> pa.Int64Array:
        """The next so many integers above another one that a column of a table holds, ascending; fewer at their end.

        None are given of a table that may hold integers in another form than their usual one.
        """


class ReadersWait(Exception):
    """Somebody waits to read what a `yielding` transaction has locked: it was given up, and has done nothing."""


@dataclass(frozen=True)
class Comparison:
    """What the accepted rows of a source are to the table: new, or of the key of a row, equal or different."""

    new: int
    equal: int
    different: int


class TableWriter(Protocol):
    """The one way into a table, within a transaction: write all rows, end, compare, publish.

    Others see nothing of it before the transaction commits. Until `compare`, a table that has rows stays in use.
    `took_over` says that the table was empty and is locked already: nobody can read it, and nothing is in it.
    """

    took_over: bool

    def write(self, rows: pa.RecordBatch) -> None:
        """Take accepted rows: the table's columns, then ROW_NUMBER."""

    def end(self) -> None:
        """All rows were written."""

    def compare(self) -> Comparison:
        """Compare with the rows of the table, which nobody else writes to from here to the end of the transaction."""

    def different(self) -> Iterator[tuple[int, list[str]]]:
        """The rows that differ from the table's row of the same key: row number ascending, and columns that differ."""

    def publish(self, *, update: bool) -> tuple[int, int]:
        """Insert the new rows, and update the different ones if asked; how many the database inserted and updated.

        Raises:
            ParentsVanished: A row that one of them refers to was deleted since it was judged.
        """

    def complete(self, *, update: bool) -> None:
        """Let rows refer to rows of tables that come later, once all tables are published; told as `publish` was.

        Raises:
            ParentsVanished: As `publish` does.
        """


class LoadWriter(TableWriter, Protocol):
    """A TableWriter that also knows which of its rows the table holds."""

    def known(self, starts: Sequence[int]) -> list[tuple[int, int]]:
        """Once compared, of the rows from each of these numbers up to the next: how many are equal, and different."""


Key = dict[str, object]
"""The key of a row, by column."""


@dataclass(frozen=True)
class Examples:
    """The first few rows of each sort that a comparison finds; of those that differ also the columns that do."""

    new: list[Key]
    different: list[tuple[Key, list[str]]]
    surplus: list[Key]


@dataclass(frozen=True)
class Referring:
    """Rows of another table that refer to surplus rows: how many, by which columns, and to which (the first few).

    Or else they refer to rows that get other values in the columns `moved`.
    """

    table: str
    columns: tuple[str, ...]
    rows: int
    keys: list[Key]
    moved: tuple[str, ...] = ()


class TableReplacer(TableWriter, Protocol):
    """A TableWriter that also knows which rows of the table are surplus: no written row has their key."""

    def surplus(self) -> int:
        """How many rows are surplus, once compared."""

    def examples(self, count: int) -> Examples:
        """The first rows of each sort, once compared and before anything is published."""

    def referring(self, count: int, among: Collection[str]) -> list[Referring]:
        """What refers to surplus rows, with the first `count` of their keys; the tables `among` are passed over.

        So does what would lose its row because that gets other values, unless it follows them (ON UPDATE CASCADE).

        Nobody else writes to tables that may refer to them from here to the end of the transaction, but in a dry run.
        """

    def remove(self) -> int:
        """Delete the surplus rows; how many the database deleted."""

    def acting(self) -> list[str]:
        """The names of what acts on rows of the table: triggers, rules, and foreign keys that follow other rows."""

    def compare_again(self) -> Comparison:
        """Compare once more, when all was published and removed: what acts on the table may have had its own way."""


class Transaction(ParentKeys, Protocol):
    """One transaction over any number of tables and the ledger.

    Keys are looked for in any thread, and also in a table that the transaction has locked.
    `notes` say, by table, what people should know of it although rows were put in.
    """

    connection: Connection
    notes: dict[str, list[str]]

    def writer(
        self, rules: TableRules, *, bulk: bool, dry_run: bool, remaining: Callable[[], float] | None = None
    ) -> LoadWriter:
        """A writer into a table; `bulk` says that many rows are coming, `dry_run` that `publish` never will.

        `remaining` allows rows to go into a table in use before `publish`, where nobody sees them; their room is lost
        until the database cleans up if the transaction is rolled back. It says how much of the source is still to be
        read, from 1, which it stays if others come behind it, to 0.

        Raises:
            KeysTaken: Here or in the writer, where rows go early: somebody has taken a key meanwhile.
        """

    def replacer(self, rules: TableRules, *, bulk: bool, dry_run: bool) -> TableReplacer:
        """The same for rows that are to be all that the table holds."""

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        """Insert rows as they are, whose keys are known to be new."""


class ShortTransaction(ParentKeys, Protocol):
    """One transaction that puts few rows into tables which stay in use.

    What is found in them is there until the end of the transaction.
    """

    connection: Connection

    def few_rows_writer(self, rules: TableRules) -> TableWriter:
        """A writer that holds its rows in memory; `publish` raises KeysTaken if a key was taken since `compare`."""

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the candidate key of a row of the table."""

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        """Which rows have values of a row of the table with another key."""

    def append(self, table: Table, rows: pa.RecordBatch) -> None:
        """Insert rows as they are, whose keys are known to be new."""


class Snapshot(Protocol):
    """All tables as they were at one moment, whatever is written meanwhile; references between their rows hold."""

    connection: Connection

    def estimate(self, rules: TableRules) -> int:
        """About how many rows a table has, for progress bars; 0 where nobody knows."""

    def read(self, rules: TableRules) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a table by ascending key, in the schema of its rules; in bounded memory.

        Raises:
            ValueUnstorable: The database holds a value that the model does not allow.
        """


class Backend(ParentKeys, Protocol):
    """A database."""

    engine: Engine

    folder: Path | None
    """The folder of the database, where that is a file of ours."""

    capabilities: Capabilities
    """What it can do, and which values it keeps."""

    def columns(self, connection: Connection, tables: Iterable[Table]) -> dict[str, set[str]]:
        """The columns of those of the tables that exist, by the key of the table; all in one query.

        Columns that a model lacks are left out if rows may lack them, too: the database leaves them null or fills them.
        Of a Table that has no columns, all are there.
        """

    def unknown(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
        """The columns that models lack, and that the database does not generate, by the key of the table."""

    def same(self, connection: Connection, tables: Iterable[Table]) -> list[tuple[str, str]]:
        """The keys of tables of models, in pairs, that are one and the same table of the database, or would be."""

    def require(self, table: Table, columns: set[str] | None) -> None:
        """Raise SchemaDiffers unless a table with these columns, or None if there is none, can serve its model."""

    def heirs(self, connection: Connection, tables: Iterable[Table]) -> dict[str, list[str]]:
        """The tables that inherit from others, which have their rows as well, by the key of these; no partitions."""

    def partitions(self, connection: Connection, tables: Iterable[Table]) -> dict[str, str]:
        """Those of the tables that are partitions, by the key of the table, and of which table each of them is."""

    def keeps_keys_distinct(self, connection: Connection, rules: TableRules) -> bool:
        """Whether the database itself lets no two rows of a table have the same key."""

    def unkept(self, table: Table) -> list[str]:
        """What of the model of a table the database has not, or which values it does not keep, or not apart."""

    def known(self, rules: TableRules, key: tuple[str, ...], rows: pa.RecordBatch) -> list[int]:
        """Which rows, by position, have the candidate key of a row of the table; sees committed rows only."""

    def holders(self, rules: TableRules, names: tuple[str, ...], rows: pa.RecordBatch) -> Holders:
        """Which rows have values of a row of the table with another key; sees committed rows only."""

    def failed_checks(self, rules: TableRules, rows: list[dict[str, object]]) -> list[tuple[int, str]]:
        """Which rows break which CHECK, as this database understands it: (position among the rows, name)."""

    def transaction(
        self, locking: Locking = "sharing", *, careful: bool = False
    ) -> AbstractContextManager[Transaction]:
        """A transaction: committed at the end, rolled back on any exception.

        The writers of a `careful` one take longer, and raise RowsRefused in `end` or `publish` where the database
        refuses rows by rules that the model has not, or leaves them out.
        """

    def short_transaction(
        self, alone: str | None = None, *, careful: bool = False
    ) -> AbstractContextManager[ShortTransaction]:
        """A transaction that writes at once: where writers queue, it has its turn from the beginning.

        Raises:
            InFlight: Another one with the same name `alone` is under way, in whatever process.
        """

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """A snapshot to read from; it keeps nobody from writing."""

    def page(self, rules: TableRules, after: Sequence[object] | None, limit: int) -> list[dict[str, Any]]:
        """Up to so many rows behind the one with a key, in the order of the key.

        Raises:
            ValueUnstorable: The database holds a value that the model does not allow.
        """

    def scanning(self) -> AbstractContextManager[Connection]:
        """A connection for one pass over many rows."""

    def asking(self, seconds: float) -> AbstractContextManager[Connection]:
        """A connection for one statement of a user's own, which cannot write.

        Raises:
            WorkCancelled: The statement, or a part of it that is fetched by itself, took longer than so many seconds.
            DatabaseReadOnly, DatabaseRefused: It would write, or the database does not understand it.
        """

    def with_instants(self, connection: Connection, table: Table) -> FromClause:
        """A table as it may stand in a statement that compares its instants, within `scanning`.

        The statement raises ValueUnstorable where what is stored is no instant.
        """

    def errors(self) -> AbstractContextManager[None]:
        """Turns what the driver raises inside it into the product's errors."""

    def cancel(self) -> None:
        """Stop the statements of the transactions that this process has under way: they fail with WorkCancelled."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold a name until the end of the context or of the process, whichever comes first."""

    def only_read(self) -> None:
        """From now on, leave the database as it is, also how it is kept; before anything connects to it."""

    def sweep(self) -> None:
        """Remove what killed processes left beside the database."""

    def is_held(self, name: str) -> bool:
        """Whether any process holds the name."""
