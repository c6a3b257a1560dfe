"""A user's own tables keep what docs/howto/own-tables.md promises."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batching import Batches, codes
from loading import Tables, counts
from rowferry.bootstrap import Service

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own-tables.md"

HEAD = """\
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table

metadata = MetaData()
"""

ServiceOf = Callable[[str], Service]


@pytest.fixture
def service_of(
    new_service: Callable[..., Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServiceOf]:
    """Starts a service on the tables of a module, given by its source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_tables", raising=False)

    def start(source: str) -> Service:
        (tmp_path / "own_tables.py").write_text(source)
        return new_service("own_tables")

    yield start
    sys.modules.pop("own_tables", None)


def test_the_documented_tables_are_judged_row_by_row(service_of: ServiceOf, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    ships = Tables(service_of(example), tmp_path)
    assert counts(ships.put("ships.csv", "1,Ann,5\n2,Ben,\n3,Cid,-5\n4,Dot,0\n")) == (4, 2, 0, 0, 2)
    assert ships.codes() == [(3, ["value.check"]), (4, ["value.check"])]
    assert "tonnage > 0" in ships.rejects()[0]["errors"][0]["message"]
    rows = [{"id": 5, "name": "Eve", "tonnage": 9}, {"id": 6, "name": "Flo", "tonnage": -1}]
    receipt = Batches(ships).put({"ships": rows, "trips": [{"id": 1, "ship_id": 5}]})
    assert codes(receipt) == [("ships", 1, [(None, "value.check")])]
    assert ships.rows("ships") == [(1, "Ann", 5), (2, "Ben", None), (5, "Eve", 9)]


def test_checks_may_have_names_and_be_expressions(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'number = Column("id", Integer, primary_key=True)\n'
        'size = Column("size", Integer, CheckConstraint("size < 9", name="size_is_small"), nullable=False)\n'
        'boxes = Table("boxes", metadata, number, size, CheckConstraint(size % 2 == 0))\n'
    )
    boxes = Tables(service_of(source), tmp_path)
    assert counts(boxes.put("boxes.csv", "1,2\n2,3\n3,10\n4,11\n")) == (4, 1, 0, 0, 3)
    assert boxes.codes() == [(2, ["value.check"]), (3, ["value.check"]), (4, ["value.check"] * 2)]
    assert "size_is_small" in boxes.rejects()[1]["errors"][0]["message"]
