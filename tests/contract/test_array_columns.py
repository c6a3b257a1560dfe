"""Arrays of PostgreSQL: elements of several kinds, in both spellings, from files and batches to backups and back."""

import datetime as dt
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
from rowferry.operations.read_rows import read_rows
from rowferry.settings import read_settings

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

_MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import ARRAY
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
    shelf = next(mapper.class_ for mapper in sys.modules["shelves_of_arrays"].Base.registry.mappers)
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
