"""Domains of PostgreSQL: values of what they are over, and the database judges what they ask for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from batching import Batches
from loading import Tables, counts
from restoring import Restores, counts as restored
from rowferry.bootstrap import Service

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

_MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import DOMAIN, JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase):
    pass

Small = DOMAIN("small", Integer(), check="VALUE < 10", constraint_name="is_small")
Code = DOMAIN("code", String(3))
Bag = DOMAIN("bag", JSONB())

class Thing(Base):
    __tablename__ = "things"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    size = mapped_column(Small, CheckConstraint("size <> 5", name="not_five"))
    code = mapped_column(Code, unique=True)
    bag = mapped_column(Bag)
    name = mapped_column(Text)
"""


def test_a_domain_is_what_it_is_over_and_what_it_asks_for(service_of: Callable[[str], Service], tmp_path: Path) -> None:
    tables = Tables(service_of(_MODEL), tmp_path)
    file = '1,9,abc,"{""a"": 1.0}",Ann\n2,12,x,[],\n3,x,abcd,{,\n4,5,,,\n5,1,abc,,\n'
    assert counts(tables.put("things.csv", file)) == (5, 1, 0, 0, 4)
    assert tables.codes() == [
        (2, ["database.is_small"]),
        (3, ["value.type", "value.length", "value.type"]),
        (4, ["value.check"]),
        (5, ["key.duplicate"]),
    ]
    assert tables.rows("things") == [(1, 9, "abc", {"a": 1.0}, "Ann")]
    assert counts(tables.put("things.csv", file.partition("\n")[0])) == (1, 0, 0, 1, 0)
    backup = Restores(tables).back_up("things")
    sent = [{"id": 1, "size": 3, "code": "abc", "bag": {"a": 2}, "name": "ANN"}, {"id": 2, "size": 70}, {"id": 3}]
    receipt = Batches(tables).put({"things": sent}, on_conflict="update")
    assert (receipt.inserted, receipt.updated) == ({"things": 1}, {"things": 1})
    assert [str(error["code"]) for row in receipt.rejected for error in row.errors] == ["database.is_small"]
    assert restored(Restores(tables).restore(backup)) == (0, 1, 1, 0, 0)
    assert tables.rows("things") == [(1, 9, "abc", {"a": 1.0}, "Ann")]
