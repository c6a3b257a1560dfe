"""The sessions of PostgreSQL that we work in: what must hold in each of them, behind a pooler too.

A server is told once, when we connect. A pooler in transaction mode refuses that, or passes it over, and gives each
transaction a session that others use as well: there it is told at the beginning of each transaction, and only for the
transaction (docs/decisions/0016-sessions-of-postgresql.md).
"""

import re
from contextlib import nullcontext
from typing import Any, cast

import psycopg
from psycopg.sql import SQL, Composed, Literal
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import ConnectionPoolEntry

from rowferry.dictionary.place import PLACE, Place
from rowferry.errors import EncodingUnfit, ServerUnsupported, SettingInvalid

_OLDEST, _NEWEST = 14, 18

_CONNECT_SECONDS = 10

_KEEPALIVES = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 40_000}
"""A server that has gone without a word is noticed within 40 seconds (libpq)."""

_UNLESS_CHOSEN = {"statement_timeout": "0"}
"""What whoever wrote the URL may say otherwise."""

_NEEDED = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "idle_in_transaction_session_timeout": "0",
    "client_connection_check_interval": "10s",
}
"""How values are written and read, whatever the database or the role has by default; and a transaction may wait.

It waits while a file is read; and the server notices within ten seconds that we have gone, also while it works for us.
"""

_OF_A_CONNECTION = {
    "idle_session_timeout": "0",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "40s",
    "rowferry.is_told": "on",
}
"""What only a server that we reach directly is told; the last one is of no use but to see that it heard us."""

_FROM_17 = {"transaction_timeout": "0"}

_PLACE = """
WITH path AS (
  SELECT name, at, CASE WHEN name = 'public' THEN 'rowferry'
    WHEN octet_length(name::text) <= 54 THEN 'rowferry_' || name ELSE 'rowferry_' || md5(name::text) END AS ledger
  FROM unnest(current_schemas(false)) WITH ORDINALITY AS p (name, at)
)
SELECT ledger, name FROM path ORDER BY NOT EXISTS (
  SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE (n.nspname, c.relname) IN ((path.ledger, 'schema'), (path.name, 'rowferry_schema'))
), at LIMIT 1
"""
"""The schema of the ledger, and the one in the search path that it belongs to: the first that has one, or will have it.

Programs whose search paths begin otherwise have ledgers of their own: an idempotency key of one is none of the other's.
"""

_REFUSED = re.compile(r"startup (parameter|option)|command-line options|unrecognized configuration parameter")
"""What a pooler says to what we tell a server when we connect, and a server older than any that we know."""

_OPTION = re.compile(r"(?:-c\s*|--)((?:\\.|[^\s=\\])+)=((?:\\.|[^\s\\])*)")

_NO_OPTION = "the server behind it only accepts options of the form -c NAME=VALUE, not {}"


class Sessions:
    """Opens the connections of an engine, and begins its transactions."""

    def __init__(self, url: URL) -> None:
        self._theirs = " ".join(url.normalized_query.get("options", ()))
        self._chosen = {_unescaped(name): _unescaped(value) for name, value in _OPTION.findall(self._theirs)}
        self._pooled = False
        self.ledger = "rowferry"
        """The schema of the ledger, as the last connection found it."""

    def listen(self, engine: Engine) -> None:
        """From now on, all sessions of the engine are as they must be."""
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "begin", self._begin)

    def _connect(
        self, dialect: Any, record: ConnectionPoolEntry, cargs: list[Any], cparams: dict[str, Any]
    ) -> psycopg.Connection[Any]:
        driver = None if self._pooled else self._directly(dialect, cargs, cparams)
        if driver is None:
            if other := _OPTION.sub("", self._theirs).strip():
                raise SettingInvalid(name="SQLALCHEMY_DATABASE_URL", reason=_NO_OPTION.format(other))
            # Empty, since what is left out would come from PGOPTIONS.
            driver = cast("psycopg.Connection[Any]", dialect.connect(*cargs, **cparams | {"options": ""}))
            driver.prepare_threshold = None  # what is prepared stays in a session, and the next one is another
            self._pooled = True
        _require_server(driver)
        record.info[PLACE] = self._find_place(driver)
        return driver

    def _directly(self, dialect: Any, cargs: list[Any], cparams: dict[str, Any]) -> psycopg.Connection[Any] | None:
        """A connection to a server that has heard what we tell it; None if something between does not let it."""
        first, ours = map(_command_line, (_UNLESS_CHOSEN, _NEEDED | _OF_A_CONNECTION))
        try:
            driver: psycopg.Connection[Any] = dialect.connect(
                *cargs, **cparams | {"options": f"{first} {self._theirs} {ours}"}
            )
        except psycopg.OperationalError as error:
            if _REFUSED.search(str(error)):
                return None
            raise
        driver.autocommit = True
        found = driver.execute(_asked(driver)).fetchone()
        driver.autocommit = False
        if found and found[0]:
            return driver
        driver.close()
        return None

    def _find_place(self, driver: psycopg.Connection[Any]) -> Place:
        driver.autocommit = True  # nothing stays open
        with driver.transaction() if self._pooled else nullcontext():
            if self._pooled:
                driver.execute(SQL("SELECT {}").format(_calls(self._chosen, of_transaction=True)))
            found = driver.execute(_PLACE).fetchone()
        driver.autocommit = False
        schema, home = found or ("rowferry", None)
        self.ledger = schema
        return Place(schema, home=home)

    def _begin(self, connection: Connection) -> None:
        if self._pooled:
            driver: Any = connection.connection.dbapi_connection
            settings = _UNLESS_CHOSEN | self._chosen | _NEEDED | _newer(driver)
            driver.execute(SQL("SELECT {}").format(_calls(settings, of_transaction=True)))


def connect_args(url: URL) -> dict[str, Any]:
    """What the URL does not say; what is sent and received is UTF-8, whatever PGCLIENTENCODING or the database says."""
    ours = {"connect_timeout": _CONNECT_SECONDS, "application_name": "rowferry", **_KEEPALIVES}
    return {name: value for name, value in ours.items() if name not in url.query} | {"client_encoding": "utf8"}


def _require_server(driver: psycopg.Connection[Any]) -> None:
    """Refuse a server that we were not tried with, and a database that cannot keep every letter."""
    version = driver.info.server_version // 10_000
    encoding = driver.info.parameter_status("server_encoding")
    if not _OLDEST <= version <= _NEWEST:
        driver.close()
        raise ServerUnsupported(server=f"PostgreSQL {version}", needed=f"{_OLDEST} to {_NEWEST}")
    if encoding != "UTF8":  # neither rows nor rejects could go in as they are
        driver.close()
        raise EncodingUnfit(encoding=encoding)


def _asked(driver: psycopg.Connection[Any]) -> Composed:
    """Whether the server was told what a connection tells; it is told the rest of it."""
    asked = SQL("SELECT current_setting('rowferry.is_told', true), {}")
    return asked.format(_calls(_newer(driver), of_transaction=False))


def _newer(driver: psycopg.Connection[Any]) -> dict[str, str]:
    return _FROM_17 if driver.info.server_version >= 170_000 else {}


def _calls(settings: dict[str, str], *, of_transaction: bool) -> Composed:
    call = SQL("set_config({}, {}, {})")
    calls = [call.format(Literal(name), Literal(value), Literal(of_transaction)) for name, value in settings.items()]
    return SQL(", ").join([SQL("true"), *calls])


def _command_line(settings: dict[str, str]) -> str:
    """Settings as a command line has them."""
    escaped = ((name, value.replace(" ", r"\ ")) for name, value in settings.items())
    return " ".join(f"-c {name}={value}" for name, value in escaped)


def _unescaped(escaped: str) -> str:
    return re.sub(r"\\(.)", r"\1", escaped)
