"""Arrays and ranges of PostgreSQL: of several kinds, in all spellings, from files and batches to backups and back."""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from backing_up import Backups
from batching import Batches
from databases import NewDatabase
from loading import Tables, counts
from restoring import Restores, counts as restored
from rowferry.bootstrap import Service
from rowferry.errors import ValueUnstorable
from rowferry.operations.read_rows import as_document, read_rows
from rowferry.settings import read_settings

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

_MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import *
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase):
    pass

class Shelf(Base):
    __tablename__ = "shelves"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    tags = mapped_column(ARRAY(String(8)), CheckConstraint("cardinality(tags) < 5", name="few"), nullable=False)
    days = mapped_column(ARRAY(Date))
    prices = mapped_column(ARRAY(Numeric(6, 2)))
    grid = mapped_column(ARRAY(SmallInteger, dimensions=2))
    seen = mapped_column(ARRAY(DateTime(timezone=True)))

class Own(Base):
    __tablename__ = "own"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    names = mapped_column(ARRAY(Uuid))
    colors = mapped_column(ARRAY(Enum("red", "very red", name="color")))
    data = mapped_column(ARRAY(LargeBinary))
    hosts = mapped_column(ARRAY(INET))
    spans = mapped_column(ARRAY(DATERANGE))
    sizes = mapped_column(ARRAY(Numeric))
    shown = mapped_column(ARRAY(DateTime))
    few = mapped_column(INT4RANGE, CheckConstraint("upper(few) < 100", name="few"))
    prices = mapped_column(NUMRANGE)
    days = mapped_column(DATERANGE)
    hours = mapped_column(TSRANGE)
    seen = mapped_column(TSTZRANGE)
"""


@pytest.fixture
def shelves(new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tables]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "shelves_of_arrays", raising=False)
    (tmp_path / "shelves_of_arrays.py").write_text(_MODEL)
    service = Service(replace(read_settings(new_database()), models="shelves_of_arrays"))
    service.start()
    yield Tables(service, tmp_path)
    service.close()


_FILE = (
    '1,"{a b, ""x, \\""y\\\\"" ,NULL,""null""}","{2021-02-03}","{1.5,NULL}",'
    '"{{1,2},{3,-4}}","{2021-02-03 04:05:06+02}"\n'
    '2,"[""é"", null]","[""2021-02-03""]",[],[[7]],\n'
    "3,{},,,,\n"
)
_ROWS = [
    (1, ["a b", 'x, "y\\', None, "null"], [dt.date(2021, 2, 3)], [Decimal("1.50"), None], [[1, 2], [3, -4]]),
    (2, ["é", None], [dt.date(2021, 2, 3)], [], [[7]]),
    (3, [], None, None, None),
]


def test_arrays_go_through_everything(shelves: Tables) -> None:
    assert counts(shelves.put("shelves.csv", _FILE)) == (3, 3, 0, 0, 0)
    rows = shelves.rows("shelves")
    assert [row[:5] for row in rows] == _ROWS
    assert rows[0][5] == [dt.datetime(2021, 2, 3, 2, 5, 6, tzinfo=dt.UTC)]
    assert counts(shelves.put("shelves.csv", _FILE)) == (3, 0, 0, 3, 0)
    backup = Restores(shelves).back_up("shelves")
    batch = {
        "shelves": [
            {"id": 1, "tags": ["n", None]},
            {"id": 2, "tags": "{é,NULL}", "days": ["2021-02-03"], "prices": [], "grid": [[7]]},
            {"id": 4, "tags": []},
        ]
    }
    receipt = Batches(shelves).put(batch, on_conflict="update")
    assert (receipt.inserted, receipt.updated, receipt.unchanged) == ({"shelves": 1}, {"shelves": 1}, {"shelves": 1})
    assert restored(Restores(shelves).restore(backup)) == (0, 1, 1, 2, 0)
    assert shelves.rows("shelves") == rows


def test_what_an_orm_writes_is_unchanged(shelves: Tables) -> None:
    shelf = sys.modules["shelves_of_arrays"].Shelf
    with Session(shelves.service.backend.engine) as session:
        names = ("id", "tags", "days", "prices", "grid")
        session.add_all(shelf(**dict(zip(names, row, strict=True))) for row in _ROWS)
        session.commit()
    sent = [
        {
            "id": 1,
            "tags": ["a b", 'x, "y\\', None, "null"],
            "days": ["2021-02-03"],
            "prices": [1.5, None],
            "grid": [[1, 2], [3, -4]],
        }
    ]
    assert Batches(shelves).put({"shelves": sent}).unchanged == {"shelves": 1}


def test_faults_are_told(shelves: Tables) -> None:
    file = '1,"{a,b,c,d,e}",,,,\n2,{123456789},,,,\n3,{},{x},{1.234},"{{1},{2,3}}",\n4,{a,,,,\n5,{},,,{99999},\n'
    assert shelves.put("shelves.csv", file).total("rejected") == 5
    codes = dict(shelves.codes())
    assert codes == {
        1: ["value.check"],
        2: ["value.range"],
        3: ["value.type", "value.range", "value.type"],
        4: ["value.type"],
        5: ["value.range"],
    }


def test_an_array_that_begins_elsewhere_is_not_backed_up(shelves: Tables) -> None:
    shelves.execute("INSERT INTO shelves (id, tags) VALUES (1, '[0:1]={a,b}')")
    with pytest.raises(ValueUnstorable, match=r"tags.*\[0:1\]"):
        Backups(shelves.service, shelves.folder / "backups").take("shelves")
    with pytest.raises(ValueUnstorable, match="id 1: its first element is not number 1"):
        read_rows(shelves.service.backend, shelves.service.catalog.table("shelves"), None, 10)


_OWN = {
    "names": ("{0190A5E8-3C4D-7B2A-9F61-0D2F5C1B7A94,NULL}", ["0190a5e8-3c4d-7b2a-9f61-0d2f5c1b7a94", None]),
    "colors": ('{red,"very red",NULL}', ["red", "very red", None]),
    "data": (r'{"\\xDEAD","\\x"}', [r"\xdead", r"\x"]),
    "hosts": ("{192.0.2.1/32,::1}", ["192.0.2.1", "::1"]),
    "spans": ('{"[2021-01-01,2021-01-02]",empty}', ["[2021-01-01,2021-01-03)", "empty"]),
    "sizes": ("{1.50,007}", ["1.50", "7"]),
    "shown": ('{"2021-01-01 02:03:04.5"}', ["2021-01-01T02:03:04.500000"]),
    "few": ("[1,4]", "[1,5)"),
    "prices": ("[1.50,2.0]", "[1.50,2.0]"),
    "days": ("[2021-01-01,9999-12-31]", "[2021-01-01,10000-01-01)"),
    "hours": ("[2021-01-01 02:03,]", "[2021-01-01T02:03:00,)"),
    "seen": ("[2021-01-01 02:03+01,2021-01-02T00:00Z]", "[2021-01-01T01:03:00Z,2021-01-02T00:00:00Z]"),
}
"""What is given, and what is kept, as JSON has it."""


def test_types_of_its_own_go_through_everything(shelves: Tables) -> None:
    given, kept = ({name: pair[at] for name, pair in _OWN.items()} for at in (0, 1))
    cells = ",".join('"' + text.replace('"', '""') + '"' for text, _ in _OWN.values())
    file = f"1,{cells}\n2{',' * len(_OWN)}\n"
    assert counts(shelves.put("own.csv", file)) == (2, 2, 0, 0, 0)
    assert counts(shelves.put("own.csv", file)) == (2, 0, 0, 2, 0)
    rows = read_rows(shelves.service.backend, shelves.service.catalog.table("own"), None, 1)
    assert json.loads(as_document({"rows": rows})) == {"rows": [{"id": 1, **kept}]}
    sent = [{"id": 1, **kept}, {"id": 3, **given}, {"id": 4, "few": "[1,100]"}]
    receipt = Batches(shelves).put({"own": sent})
    assert (receipt.unchanged, receipt.inserted, len(receipt.rejected)) == ({"own": 1}, {"own": 1}, 1)
    restores = Restores(shelves)
    backup = restores.back_up("own")
    shelves.execute("UPDATE own SET few = '[7,8)', spans = '{}' WHERE id = 1")
    assert restored(restores.restore(backup)) == (0, 1, 0, 2, 0)
    shelves.execute("DELETE FROM own")
    assert restored(restores.restore(backup)) == (3, 0, 0, 0, 0)
