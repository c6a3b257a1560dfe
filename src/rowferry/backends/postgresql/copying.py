"""Rows on their way into a table of PostgreSQL by binary COPY, whose connection others may need in between."""

import os
import socket
from contextlib import ExitStack
from threading import RLock
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import Copy
from psycopg.sql import SQL, Composable, Composed, Identifier

from rowferry.backends.postgresql.copy_format import CopyFormat, copy_format

_SENT_BYTES = 4 * 1024 * 1024


class Copies:
    """The COPY that a connection has open, if any: it can do nothing else before that has ended.

    Whoever needs the connection, in whatever thread, takes `turn` and calls `pause`; the rows that come next begin
    another COPY.
    """

    def __init__(self) -> None:
        self.turn = RLock()
        self._open: Copying | None = None

    def pause(self, then: "Copying | None" = None) -> None:
        """End the COPY that is open, if any; the next one is that of `then`."""
        if self._open is not None:
            self._open.pause()
        self._open = then

    def give_up(self, error: BaseException) -> None:
        """Break off the COPY that is open, if any."""
        if self._open is not None:
            self._open.give_up(error)


class Copying:
    """Rows for one target. Triggers fire at the end of each COPY: it is ended after `most_rows` if they are to."""

    def __init__(
        self,
        driver: psycopg.Connection[Any],
        copies: Copies,
        target: Composable,
        schema: pa.Schema,
        most_rows: int | None = None,
    ) -> None:
        self.taken = 0
        """How many rows the database took."""
        self._driver, self._copies, self._most_rows = driver, copies, most_rows
        self._target, self._schema = target, schema
        self._context: ExitStack | None = None
        self._rows = 0
        _hold_much(driver)

    def send(self, rows: pa.RecordBatch) -> None:
        with self._copies.turn:
            if self._context is None:
                self._begin()
            self._copy.write(self._format.rows(rows.select(self._schema.names)))
            self._rows += rows.num_rows
            if self._most_rows is not None and self._rows >= self._most_rows:
                self.pause()

    def pause(self) -> None:
        """End the COPY if one is open: what was sent is in, and triggers have fired."""
        with self._copies.turn:
            if self._context is None:
                return
            # Whatever ends it, the COPY holds the connection no longer.
            context, self._context = self._context, None
            with context:
                self._copy.write(self._format.end())
            self.taken += self._cursor.rowcount

    def give_up(self, error: BaseException) -> None:
        """Break the COPY off if one is open."""
        context, self._context = self._context, None
        if context is not None:
            context.__exit__(type(error), error, error.__traceback__)

    def _begin(self) -> None:
        self._copies.pause(self)
        self._format = copy_format(self._schema)
        self._cursor = self._driver.cursor()
        context = ExitStack()
        self._copy: Copy = context.enter_context(self._cursor.copy(copy_into(self._target, self._schema, self._format)))
        self._context, self._rows = context, 0
        self._copy.write(self._format.begin())


def copy_into(target: Composable, schema: pa.Schema, form: CopyFormat) -> Composed:
    """The statement that takes rows of a schema in a form."""
    columns = SQL(", ").join(map(Identifier, schema.names))
    return SQL("COPY {} ({}) FROM STDIN ({})").format(target, columns, SQL(form.options))


def _hold_much(driver: psycopg.Connection[Any]) -> None:
    """Let the operating system hold enough of what is sent that the server never waits for a thread to send more.

    What TCP holds grows by itself with the distance, but no more once somebody has said how much it should be.
    """
    with socket.socket(fileno=os.dup(driver.fileno())) as sent:
        if sent.family == socket.AF_UNIX:
            sent.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_BYTES)
