"""What tests say to a database in SQL of its own. A test asks for what it needs, never for the name of a database."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import pytest
from sqlalchemy import Engine

only_sqlite = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)


class Sql(Protocol):
    """The SQL of one database."""

    name: str

    unstorable: ClassVar[dict[str, list[Any]]]
    """Values that columns of the table `kinds` can have and no backup takes, as the database itself takes them."""

    def trigger(self, name: str, when: str, table: str, body: str, returned: str = "new") -> list[str]:
        """Make a trigger that runs a statement at each row, and `returned` if triggers have to return something."""

    def changing(self, name: str, event: str, table: str, column: str, value: str) -> list[str]:
        """Make a trigger that gives each row another value when it is inserted, or another column updated."""

    def leaving_out(self, name: str, when: str, table: str) -> list[str]:
        """Make a trigger that leaves out every row that is to be written."""

    def refusing(self, name: str, when: str, table: str, condition: str, message: str) -> list[str]:
        """Make a trigger that refuses rows that meet a condition."""

    def constraints(self, what: str) -> str:
        """A query for the names of all constraints, and for something else that PostgreSQL knows of them."""

    def typed(self, column: str, kind: str | None) -> str:
        """A parameter for a column, whose text stands for a value of a kind."""

    def sent(self, key: int, values: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a row of kinds, as an application would send them; instants come as PostgreSQL has them."""

    def spelled(self, columns: Sequence[str]) -> list[str]:
        """Columns of a table of kinds as the database itself spells their values, if it does."""

    def allow_null(self, table: str, column: str, columns: str) -> list[str]:
        """Let an empty table of these columns have nulls in one of them."""


class _Sqlite(Sql):
    name = "sqlite"
    unstorable: ClassVar[dict[str, list[Any]]] = {
        "note": ["y" * 61, "a\0b"],
        "small": [70_000],
        "flag": [2],
        "price": [1.005],
        "day": ["10000-01-01", "0044-03-15 BC", "someday"],
        "instant": ["10000-01-01 00:00:00.000000", "infinity"],
    }

    def trigger(self, name: str, when: str, table: str, body: str, returned: str = "new") -> list[str]:
        return [f"CREATE TRIGGER {name} {when} ON {table} BEGIN {body}; END"]

    def changing(self, name: str, event: str, table: str, column: str, value: str) -> list[str]:
        change = f"UPDATE {table} SET {column} = {value} WHERE id = new.id"
        return self.trigger(name, f"AFTER {event}", table, change)

    def leaving_out(self, name: str, when: str, table: str) -> list[str]:
        return self.trigger(name, when, table, "SELECT RAISE(IGNORE)")

    def refusing(self, name: str, when: str, table: str, condition: str, message: str) -> list[str]:
        return self.trigger(name, when, table, f"SELECT RAISE(ABORT, '{message}') WHERE {condition}")

    def constraints(self, what: str) -> str:
        return "SELECT name, sql FROM sqlite_schema ORDER BY 1"

    def typed(self, column: str, kind: str | None) -> str:
        return f":{column}"

    def sent(self, key: int, values: dict[str, Any]) -> dict[str, Any]:
        instant, price = values["instant"], values["price"]
        if instant and instant.endswith("+00"):
            instant = instant.removesuffix("+00").ljust(26, "0") if "." in instant else f"{instant[:19]}.000000"
        return values | {"id": key, "instant": instant, "price": None if price is None else float(price)}

    def spelled(self, columns: Sequence[str]) -> list[str]:
        return list(columns)

    def allow_null(self, table: str, column: str, columns: str) -> list[str]:
        return [f"DROP TABLE {table}", f"CREATE TABLE {table} ({columns})"]


class _Postgresql(Sql):
    name = "postgresql"
    unstorable: ClassVar[dict[str, list[Any]]] = {
        "instant": ["0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00", "infinity", "-infinity"],
        "day": ["0044-03-15 BC", "10000-01-01", "infinity"],
        "price": ["NaN"],
    }

    def trigger(self, name: str, when: str, table: str, body: str, returned: str = "new") -> list[str]:
        function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; "
        return [
            f"{function}RETURN {returned}; END $$",
            f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]

    def changing(self, name: str, event: str, table: str, column: str, value: str) -> list[str]:
        at = event.split(" OF ", maxsplit=1)[
            0
        ]  # what is changed before it is written changes whatever column is updated
        return self.trigger(name, f"BEFORE {at}", table, f"new.{column} := {value.replace(column, f'new.{column}')}")

    def leaving_out(self, name: str, when: str, table: str) -> list[str]:
        return self.trigger(name, when, table, "IF true THEN RETURN null; END IF")

    def refusing(self, name: str, when: str, table: str, condition: str, message: str) -> list[str]:
        return self.trigger(name, when, table, f"IF {condition} THEN RAISE '{message}'; END IF")

    def constraints(self, what: str) -> str:
        return f"SELECT conname, {what} FROM pg_constraint WHERE conrelid <> 0 ORDER BY 1"

    def typed(self, column: str, kind: str | None) -> str:
        return f"CAST(:{column} AS {kind})" if kind else f":{column}"

    def sent(self, key: int, values: dict[str, Any]) -> dict[str, Any]:
        return values | {"id": key}

    def spelled(self, columns: Sequence[str]) -> list[str]:
        bits = "CASE ratio WHEN 'NaN' THEN 'NaN' ELSE encode(float8send(ratio), 'hex') END"
        return [bits if name == "ratio" else f"{name}::text" for name in columns]

    def allow_null(self, table: str, column: str, columns: str) -> list[str]:
        return [f"ALTER TABLE {table} ALTER {column} DROP NOT NULL"]


SPOKEN: dict[str, Sql] = {sql.name: sql for sql in (_Sqlite(), _Postgresql())}
"""The SQL of each database, by the name of its dialect."""


def sql_of(engine: Engine) -> Sql:
    """The SQL of the database that an engine is for."""
    return SPOKEN[engine.dialect.name]


def constraints(engine: Engine, what: str = "pg_get_constraintdef(oid)") -> list[tuple[str, str]]:
    """The names of all constraints, and what else PostgreSQL says of them."""
    with engine.connect() as connection:
        return [(name, found) for name, found in connection.exec_driver_sql(sql_of(engine).constraints(what))]
