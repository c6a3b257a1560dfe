"""Kinds whose values a database keeps in a form of its own: what others wrote, conditions, refusals and updates."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from batching import Batches
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores, counts as restored
from rowferry.errors import ValueUnstorable
from rowferry.operations.read_rows import read_rows
from speaking import only_postgresql, only_sqlite

THINGS = (
    HEAD
    + """
import enum

class Color(enum.Enum):
    RED = "r"
    GREEN = "g"

things = Table(
    "things", metadata, Column("key", Uuid, primary_key=True), Column("code", CHAR(4), unique=True),
    Column("content", LargeBinary, CheckConstraint("length(content) < 4")), Column("color", Enum(Color)),
    Column("short", Enum(Color, name="short", values_callable=lambda all: [each.value for each in all]),
           default=Color.RED,
           nullable=False),
    Column("at", DateTime), Column("took", Interval), Column("ratio", REAL),
)
"""
)
KEYS = [f"0190a5e8-3c4d-7b2a-9f61-{number:012x}" for number in range(6)]
ROWS = [
    f"{KEYS[0]},ab,\\x00ff,RED,r,2021-11-07T02:48:42,PT36H,0.1\n",
    f"{KEYS[1].upper()},cd  ,,GREEN,g,,,\n",
]
AS_JSON = [
    dict(zip(("key", "code", "content", "color", "short", "at", "took", "ratio"), values, strict=True))
    for values in (
        (KEYS[0], "ab", "\\x00ff", "RED", "r", "2021-11-07T02:48:42", "P1DT12H", 0.1),
        (KEYS[1], "cd", None, "GREEN", "g", None, None, None),
    )
]


@pytest.fixture
def things(service_of: ServiceOf, tmp_path: Path) -> Tables:
    tables = Tables(service_of(THINGS), tmp_path)
    assert counts(tables.put("things.csv", "".join(ROWS))) == (2, 2, 0, 0, 0)
    return tables


def shown(tables: Tables) -> list[dict[str, object]]:
    return read_rows(tables.service.backend, tables.service.catalog.table("things"), None, 10)


def test_rows_come_in_by_every_way(things: Tables) -> None:
    assert shown(things) == AS_JSON
    assert Batches(things).put({"things": AS_JSON}).unchanged == {"things": 2}
    new = {**AS_JSON[0], "key": KEYS[2], "code": "ef"}
    receipt = Batches(things).put({"things": [new, {**AS_JSON[1], "content": "\\x01"}]}, on_conflict="update")
    assert (receipt.inserted, receipt.updated) == ({"things": 1}, {"things": 1})
    assert shown(things) == [AS_JSON[0], {**AS_JSON[1], "content": "\\x01"}, new]
    file = ROWS[0].replace("PT36H", "P1D") + f"{KEYS[3]},ab,,,r,,,\n{KEYS[4]},gh,\\x00000000,,r,,,\n"
    assert counts(things.put("things.csv", file, on_conflict="update")) == (3, 0, 1, 0, 2)
    assert things.codes() == [(2, ["key.duplicate"]), (3, ["value.check"])]
    assert shown(things)[0]["took"] == "P1D"
    rejected = Batches(things).put({"things": [{**AS_JSON[0], "key": KEYS[5], "code": "ij", "content": "\\x00000000"}]})
    assert [error["code"] for row in rejected.rejected for error in row.errors] == ["value.check"]


def test_rows_that_only_the_database_refuses_are_found(things: Tables) -> None:
    if things.service.backend.capabilities.embedded:
        act = (
            "CREATE TRIGGER no_red BEFORE INSERT ON things WHEN NEW.color = 'RED' BEGIN SELECT RAISE(ABORT, 'red'); END"
        )
    else:
        act = "ALTER TABLE things ADD CONSTRAINT no_red CHECK (color <> 'RED') NOT VALID"
    things.execute(act)
    rows = [
        ROWS[0].replace("ab", "x").replace(KEYS[0], KEYS[2]),
        ROWS[1].replace("cd", "y").replace(KEYS[1].upper(), KEYS[3]),
    ]
    assert counts(things.put("things.csv", "".join(rows))) == (2, 1, 0, 0, 1)
    assert [code.startswith("database.") for _, (code,) in things.codes()] == [True]
    sent = [{**AS_JSON[0], "key": KEYS[4], "code": "p"}, {**AS_JSON[1], "key": KEYS[5], "code": "q"}]
    receipt = Batches(things).put({"things": sent})
    assert (receipt.inserted, len(receipt.rejected)) == ({"things": 1}, 1)


@only_sqlite
def test_what_other_programs_put_into_sqlite_is_read_or_named(things: Tables) -> None:
    things.execute(
        f"UPDATE things SET key = '{KEYS[0].upper()}', code = 'ab  ', took = '1970-01-02 12:00' "
        f"WHERE key = '{UUID(KEYS[0]).hex}'"
    )
    assert counts(things.put("things.csv", ROWS[0])) == (1, 0, 0, 1, 0)
    source = Restores(things).back_up("things")
    assert restored(Restores(things).restore(source))[:3] == (0, 0, 0)
    for column, value in {
        "content": "'te'",
        "took": "'1970-01-02 12:00Z'",
        "key": "'none'",
        "color": "'BLUE'",
    }.items():
        things.execute(f"UPDATE things SET {column} = {value} WHERE code LIKE 'ab%'")
        with pytest.raises(ValueUnstorable, match=column):
            Restores(things).back_up("things")
        things.execute("DELETE FROM things")
        assert restored(Restores(things).restore(source))[0] == 2


SPANS = """
from sqlalchemy import Column, Integer, Interval, MetaData, Numeric, Table
from sqlalchemy.dialects.postgresql import INTERVAL
metadata = MetaData()
spans = Table(
    "spans", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("plain", Interval),
    Column("full", INTERVAL), Column("number", Numeric),
)
"""


@only_postgresql
def test_months_days_and_hours_are_kept_apart(service_of: ServiceOf, tmp_path: Path) -> None:
    spans = Tables(service_of(SPANS), tmp_path)
    file = "1,-PT1H,P1M,1.00\n2,PT36H,P30D,1.0\n3,P1D,P1Y-2M3DT-4H5M6.789S,0.00\n"
    assert counts(spans.put("spans.csv", file)) == (3, 3, 0, 0, 0)
    assert spelled(spans) == [
        (1, "-1 days +23:00:00", "1 mon", "1.00"),
        (2, "1 day 12:00:00", "30 days", "1.0"),
        (3, "1 day", "10 mons 3 days -03:54:53.211", "0.00"),
    ]
    assert counts(spans.put("spans.csv", file)) == (3, 0, 0, 3, 0)
    spans.execute("UPDATE spans SET plain = '-1 hour', \"full\" = '36:00:00' WHERE id = 2")
    kept, source = spelled(spans), Restores(spans).back_up("spans")
    spans.execute("UPDATE spans SET \"full\" = '30 days' WHERE id = 1")
    assert restored(Restores(spans).restore(source)) == (0, 1, 0, 2, 0)
    assert spelled(spans) == kept
    spans.execute("DELETE FROM spans")
    assert restored(Restores(spans).restore(source)) == (3, 0, 0, 0, 0)
    assert spelled(spans) == kept
    assert Batches(spans).put({"spans": json.loads(json.dumps(read(spans)))}).unchanged == {"spans": 3}


ENDLESS = "infinity"


@only_postgresql
@pytest.mark.parametrize(
    ("column", "value"),
    [("plain", "1 mon"), ("full", ENDLESS), ("full", "2562048 hours"), ("number", "NaN"), ("number", "Infinity")],
)
def test_what_no_backup_holds_is_named(service_of: ServiceOf, tmp_path: Path, column: str, value: str) -> None:
    spans = Tables(service_of(SPANS), tmp_path)
    insert = f"INSERT INTO spans (id, \"{column}\") VALUES (7, '{value}')"
    if value == ENDLESS and (spans.service.backend.engine.dialect.server_version_info or ()) < (17,):
        with pytest.raises(DBAPIError):  # before, PostgreSQL had no such span
            spans.execute(insert)
        return
    spans.execute(insert)
    with pytest.raises(ValueUnstorable, match=rf"{column} .*id 7"):
        Restores(spans).back_up("spans")


def spelled(spans: Tables) -> list[tuple[object, ...]]:
    with spans.service.backend.engine.connect() as connection:
        query = 'SELECT id, plain::text, "full"::text, number::text FROM spans ORDER BY id'
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def read(spans: Tables) -> list[dict[str, object]]:
    return read_rows(spans.service.backend, spans.service.catalog.table("spans"), None, 10)
