"""Tables with rules of every sort that only the database knows, for either database, and rows that break them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from owning import HEAD
from rowferry.bootstrap import Service
from speaking import sql_of

MODELS = HEAD + (
    'pay = Table("pay", metadata, Column("id", Integer, primary_key=True, autoincrement=False), '
    'Column("name", String(255)), Column("amount", Integer))\n'
    'slips = Table("slips", metadata, Column("id", Integer, primary_key=True, autoincrement=False), '
    'Column("pay_id", ForeignKey("pay.id"), nullable=False))\n'
)

_PAY = "CREATE TABLE pay (id INTEGER{key}, name VARCHAR(255){name}, amount INTEGER{amount}{table}){behind}"
_SLIPS = "CREATE TABLE slips (id INTEGER PRIMARY KEY, pay_id INTEGER NOT NULL REFERENCES pay)"

_RAISES = {
    "sqlite": (
        "CREATE TRIGGER no_rabbits BEFORE INSERT ON pay WHEN new.name LIKE 'Rabbit%' "
        "BEGIN SELECT RAISE(ABORT, 'rabbits are paid in carrots'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION carrots() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'Rabbit%%' THEN "
        "RAISE 'rabbits are paid in carrots'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER no_rabbits BEFORE INSERT ON pay FOR EACH ROW EXECUTE FUNCTION carrots()",
    ),
}
_LEAVES_OUT = {
    "sqlite": (
        "CREATE TRIGGER no_rabbits BEFORE INSERT ON pay WHEN new.name LIKE 'Rabbit%' BEGIN SELECT RAISE(IGNORE); END",
    ),
    "postgresql": (
        "CREATE FUNCTION carrots() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'Rabbit%%' THEN "
        "RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER no_rabbits BEFORE INSERT ON pay FOR EACH ROW EXECUTE FUNCTION carrots()",
    ),
}


@dataclass(frozen=True)
class Rule:
    """A rule: where it stands in the table, what is run besides, and what breaks it."""

    code: str
    key: str = " PRIMARY KEY"
    name: str = ""
    amount: str = ""
    table: str = ""
    behind: str = ""
    before: Sequence[str] = ()
    then: Sequence[str] = ()
    bad: tuple[str, str] = ("Good {}", "-{}")
    good: tuple[str, str] = ("Good {}", "{}")
    column: str | None = None
    message: str = ""

    def statements(self) -> list[str]:
        """What makes the tables anew."""
        pay = _PAY.format(key=self.key, name=self.name, amount=self.amount, table=self.table, behind=self.behind)
        slips = _SLIPS if self.key else _SLIPS.replace(" REFERENCES pay", "")
        return ["DROP TABLE slips", "DROP TABLE pay", *self.before, pay, slips, *self.then]

    def row(self, number: int, *, bad: bool = False) -> str:
        name, amount = self.bad if bad else self.good
        return f"{number},{name.format(number)},{amount.format(number)}\n"

    def fields(self, number: int, *, bad: bool = False) -> dict[str, object]:
        """The same as an object of a batch."""
        name, amount = self.bad if bad else self.good
        return {"id": number, "name": name.format(number) or None, "amount": int(amount.format(number))}

    def rows(self, count: int, bad: Sequence[int] = ()) -> str:
        """So many rows, from 1 on, some of them bad."""
        return "".join(self.row(number, bad=number in bad) for number in range(1, count + 1))


_RABBIT = ("Rabbit {}", "{}")
_NAMES = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(255) UNIQUE)"
_SOMEBODY = "INSERT INTO people VALUES (1, 'Ann')"
_ANN = ("Ann", "{}")


def _both(database: str) -> dict[str, Rule]:
    text = "" if database == "sqlite" else "people"
    return {
        "check": Rule(
            "database.positive_pay",
            table=", CONSTRAINT positive_pay CHECK (amount > 0)",
            message="positive_pay",
        ),
        "not_null": Rule("database.not_null", name=" NOT NULL", bad=("", "{}"), column="name", message="name"),
        "unique_expression": Rule(
            "database.one_name",
            then=["CREATE UNIQUE INDEX one_name ON pay (lower(name))"],
            bad=("GOOD 1", "{}"),
            message="one_name",
        ),
        "unique_partial": Rule(
            "database.one_high",
            then=["CREATE UNIQUE INDEX one_high ON pay (amount) WHERE amount = 1 OR amount > 1000000"],
            bad=("Good {}", "1"),
            column="amount" if database == "sqlite" else None,
        ),
        "foreign_key": Rule(
            "database.of_people",
            before=[_NAMES, _SOMEBODY],
            name=" CONSTRAINT of_people REFERENCES people (name)",
            good=_ANN,
            bad=("Bob", "{}"),
            column="name" if database == "sqlite" else None,
            message=text,
        ),
        "deferred_foreign_key": Rule(
            "database.of_people",
            before=[_NAMES, _SOMEBODY],
            name=" CONSTRAINT of_people REFERENCES people (name) DEFERRABLE INITIALLY DEFERRED",
            good=_ANN,
            bad=("Bob", "{}"),
            column="name" if database == "sqlite" else None,
        ),
        "trigger_raises": Rule(
            "database.no_rabbits", then=_RAISES[database], bad=_RABBIT, message="rabbits are paid in carrots"
        ),
        "trigger_leaves_out": Rule(
            "database.no_rabbits", then=_LEAVES_OUT[database], bad=_RABBIT, message="no_rabbits"
        ),
    }


_POSTGRESQL = {
    "varchar": Rule(
        "database.type",
        then=["ALTER TABLE pay ALTER name TYPE varchar(10)"],
        bad=("Good and long {}", "{}"),
        column="name",
        message="character varying(10)",
    ),
    "enumeration": Rule(
        "database.type",
        then=[
            "DROP TYPE IF EXISTS mood",
            "CREATE TYPE mood AS ENUM ('Fine')",
            "ALTER TABLE pay ALTER name TYPE mood USING name::mood",
        ],
        good=("Fine", "{}"),
        bad=("Sad", "{}"),
        column="name",
        message="Sad",
    ),
    "domain": Rule(
        "database.starts_well",
        then=[
            "CREATE DOMAIN good AS varchar(255) CONSTRAINT starts_well CHECK (VALUE LIKE 'Good%%')",
            "ALTER TABLE pay ALTER name TYPE good",
        ],
        bad=("Ill {}", "{}"),
        column="name",
    ),
    "exclusion": Rule(
        "database.apart",
        then=["ALTER TABLE pay ADD CONSTRAINT apart EXCLUDE USING gist (int4range(amount, amount + 1) WITH &&)"],
        bad=("Good {}", "1"),
    ),
    "check_of_partition": Rule(
        "database.of_part",
        behind=" PARTITION BY RANGE (id)",
        then=[
            "CREATE TABLE part PARTITION OF pay FOR VALUES FROM (1) TO (1000000)",
            "ALTER TABLE part ADD CONSTRAINT of_part CHECK (amount > 0)",
        ],
    ),
    "partition": Rule(
        "database.partition",
        key="",
        behind=" PARTITION BY RANGE (amount)",
        then=["CREATE TABLE part PARTITION OF pay FOR VALUES FROM (1) TO (1000000)"],
    ),
    "deferred_trigger": Rule(
        "database.no_rabbits",
        then=[
            _RAISES["postgresql"][0],
            "CREATE CONSTRAINT TRIGGER no_rabbits AFTER INSERT ON pay DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION carrots()",
        ],
        bad=_RABBIT,
    ),
    "error_of_its_own": Rule(
        "database.no_rabbits",
        then=[
            _RAISES["postgresql"][0].replace("carrots';", "carrots' USING ERRCODE = 'RB001';"),
            _RAISES["postgresql"][1],
        ],
        bad=_RABBIT,
    ),
    "unique_later": Rule(
        "database.one_amount",
        table=", CONSTRAINT one_amount UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED",
        bad=("Good {}", "1"),
    ),
    "rule": Rule(
        "database.passing_over",
        then=["CREATE RULE passing_over AS ON INSERT TO pay WHERE NEW.amount < 0 DO INSTEAD NOTHING"],
        message="passing_over",
    ),
}

RULES = {"sqlite": _both("sqlite"), "postgresql": _both("postgresql") | _POSTGRESQL}

OF_BOTH = list(RULES["sqlite"])


def rule_of(service: Service, name: str) -> Rule:
    """A rule for the database of a service."""
    return RULES[sql_of(service.backend.engine).name][name]


EVERY = [pytest.param(database, name, id=f"{name}-{database}") for database in RULES for name in RULES[database]]
"""Every rule, for parameters `new_database` (indirect) and `name`."""
