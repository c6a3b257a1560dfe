"""Columns refer to others that have room for less, or for more: a row is there if the value is the same."""

from pathlib import Path

import pytest

from batching import Batches, codes
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores, counts as changes

WEIGHTS = HEAD + (
    "from sqlalchemy import BigInteger, SmallInteger\n"
    'sizes = Table("sizes", metadata, Column("size", Numeric(6, 2), primary_key=True),\n'
    '    Column("number", Integer, nullable=False), Column("name", String(9)), UniqueConstraint("number", "size"))\n'
    'boxes = Table("boxes", metadata, Column("id", Integer, primary_key=True, autoincrement=False),\n'
    '    Column("size", Numeric(8, 3), ForeignKey("sizes.size")), Column("number", BigInteger),\n'
    '    Column("inside", BigInteger, ForeignKey("boxes.id")),\n'
    '    ForeignKeyConstraint(["number", "size"], ["sizes.number", "sizes.size"]))\n'
    'lids = Table("lids", metadata, Column("id", Integer, primary_key=True),\n'
    '    Column("box_id", BigInteger, ForeignKey("boxes.id")), Column("small", SmallInteger, ForeignKey("boxes.id")))\n'
)

SIZES = "1.50,1,a\n2.25,2,b\n"
BOXES = (
    "1,1.500,1,2\n2,2.25,,\n3,2.255,,\n4,12345.000,,\n5,2.25,99999999999,\n6,,,99999999999\n7,,99999999999,6\n8,,,2\n"
)
LIDS = "1,1,\n2,2,2\n3,99999999999,8\n4,,9\n"
REJECTED = [
    ("boxes", 3, "size 2.255 is not in sizes"),
    ("boxes", 4, "size 12345.000 is not in sizes"),
    ("boxes", 5, "number, size 99999999999, 2.250 is not in sizes"),
    ("boxes", 6, "inside 99999999999 is not in boxes"),
    ("boxes", 7, "inside 6 is not in boxes"),
    ("lids", 3, "box_id 99999999999 is not in boxes"),
    ("lids", 4, "small 9 is not in boxes"),
]


@pytest.fixture
def boxes(service_of: ServiceOf, tmp_path: Path) -> Tables:
    return Tables(service_of(WEIGHTS), tmp_path)


def rejected(boxes: Tables) -> list[tuple[str, int, str]]:
    return [(row["table"], row["row_number"], row["errors"][0]["message"]) for row in boxes.rejects()]


def test_parents_of_the_same_load_and_of_the_table(boxes: Tables) -> None:
    sizes = boxes.write("sizes.csv", SIZES)
    rest = [boxes.write("boxes.csv", BOXES), boxes.write("lids.csv", LIDS)]
    assert counts(boxes.load(sizes, *rest)) == (14, 7, 0, 0, 7)
    assert rejected(boxes) == REJECTED
    assert counts(boxes.load(*rest)) == (12, 0, 0, 5, 7)
    assert rejected(boxes) == REJECTED


def test_a_batch_judges_the_same(boxes: Tables) -> None:
    rows = [line.split(",") for line in BOXES.splitlines()]
    named = [dict(zip(("id", "size", "number", "inside"), (v or None for v in row), strict=True)) for row in rows]
    sizes = [{"size": "1.5", "number": 1}, {"size": "2.25", "number": 2}]
    receipt = Batches(boxes).put({"sizes": sizes, "boxes": named})
    assert [index for _, index, _ in codes(receipt)] == [2, 3, 4, 5, 6]
    assert [index for _, index, _ in codes(Batches(boxes).put({"boxes": named}))] == [2, 3, 4, 5, 6]


def test_backups_come_back(boxes: Tables) -> None:
    boxes.load(boxes.write("sizes.csv", SIZES), boxes.write("boxes.csv", BOXES))
    before, restores = boxes.everything(), Restores(boxes)
    sizes, kept = restores.back_up("sizes"), restores.back_up("boxes")
    boxes.execute("DELETE FROM boxes", "UPDATE sizes SET name = 'c'")
    assert changes(restores.restore(kept)) == (3, 0, 0, 0, 0)
    assert changes(restores.restore(sizes, kept)) == (0, 2, 0, 3, 0)
    assert boxes.everything() == before


def test_zero_has_no_sign(service_of: ServiceOf, tmp_path: Path) -> None:
    model = 'marks = Table("marks", metadata, Column("at", TYPE, primary_key=True, autoincrement=False),\n'
    model += '    Column("next", TYPE, ForeignKey("marks.at")))\n'
    marks = Tables(service_of(HEAD + model.replace("TYPE", "REAL")), tmp_path)
    assert counts(marks.put("marks.csv", "-0.0,\n1,0\n")) == (2, 2, 0, 0, 0)
    assert counts(marks.put("marks.csv", "2,0\n3,-0.0\n4,1\n")) == (3, 3, 0, 0, 0)
