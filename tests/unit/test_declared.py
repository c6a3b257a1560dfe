"""Tables are found wherever a module declares them, in whatever style, or it is said why not."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from rowferry.cli.offered import without_unavailable
from rowferry.cli.report import report
from rowferry.dictionary.catalog import Catalog, load_catalog
from rowferry.dictionary.schemas import row_names
from rowferry.errors import ModelsUnusable

BASE = """
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, registry

class Base(DeclarativeBase):
    pass
"""
SHIP = """
class Ship(Base):
    \"\"\"A ship of ours.\"\"\"
    __tablename__ = "ships"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
TRIP = """
class Trip(Base):
    __tablename__ = "trips"
    id: Mapped[int] = mapped_column(primary_key=True)
    ship: Mapped[int] = mapped_column(ForeignKey("ships.id"))
"""

KEY = "Column('id', Integer, primary_key=True)"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes files of Python into the folder `code`, which is not the current one; nothing of them stays imported."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)

    def into_folder(**sources: str) -> Path:
        for name, source in sources.items():
            path = tmp_path / "code" / f"{name.replace('__of__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return tmp_path / "code"

    yield into_folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_reports_are_looked_for_among_types_that_the_database_decides(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    ships = f"from sqlmodel import AutoString\nTable('ships', Base.metadata, {KEY}, Column('name', AutoString))\n"
    monkeypatch.setenv("ROWFERRY_MODELS", f"{write(sea=BASE + ships)}/sea.py")
    assert without_unavailable(("load", "report")) == ["load"]
    assert report.list_commands(click.Context(report)) == []


def doc_of(catalog: Catalog, table: str) -> tuple[str, str]:
    """The name of a table's class, and what it says of itself."""
    return row_names(catalog)[table], catalog.table(table).doc


@pytest.mark.parametrize(
    "named", ["{}/sea.py", "{}/sea.py:Base", "{}/sea.py:Base.metadata", "code/sea.py", "code/../code/sea.py"]
)
def test_a_file_is_found_from_any_folder_with_what_stands_beside_it(write: Write, named: str) -> None:
    folder = write(sea="from harbour import *\n" + TRIP, harbour=BASE + SHIP)
    assert load_catalog(named.format(folder)).names == ["ships", "trips"]
    assert doc_of(load_catalog(named.format(folder)), "ships") == ("Ship", "A ship of ours.")


def test_a_file_of_a_package_is_imported_as_its_module(write: Write) -> None:
    folder = write(fleet__of____init__="", fleet__of__base=BASE, fleet__of__ships="from .base import *\n" + SHIP)
    assert load_catalog(f"{folder}/fleet/ships.py").names == ["ships"]
    assert sys.modules["fleet.ships"].Ship.__module__ == "fleet.ships"


@pytest.mark.parametrize("named", ["{}/fleet", "fleet", "{}/fleet/__init__.py", "{}/fleet/"])
def test_the_modules_of_a_package_that_declares_nothing_itself_are_imported(
    write: Write, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    folder = write(
        fleet__of____init__="",
        fleet__of____main__="raise SystemExit",
        fleet__of__base=BASE,
        fleet__of__ships="from .base import *\n" + SHIP,
        fleet__of__inner__of____init__="",
        fleet__of__inner__of__trips="from fleet.base import *\n" + TRIP,
    )
    monkeypatch.syspath_prepend(folder)
    assert load_catalog(named.format(folder)).names == ["ships", "trips"]


def test_several_bases_are_served_together_and_may_refer_to_each_other(write: Write) -> None:
    folder = write(sea=BASE + SHIP + "class Base(DeclarativeBase):\n    pass\n" + TRIP)
    catalog = load_catalog(f"{folder}/sea.py")
    assert catalog.names == ["ships", "trips"]
    assert [reference.parent for reference in catalog.table("trips").references] == ["ships"]
    assert doc_of(catalog, "trips")[0] == "Trip"
    assert load_catalog(f"{folder}/sea.py:Ship.metadata").names == ["ships"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            "class Base(MappedAsDataclass, DeclarativeBase):\n    pass\n" + SHIP.replace("A ship of ours.", ""),
            ("Ship", ""),
        ),
        ("class Base(MappedAsDataclass, DeclarativeBase):\n    pass\n" + SHIP, ("Ship", "A ship of ours.")),
        (
            "mapping = registry()\nclass Ship:\n    'A ship of ours.'\n"
            f"mapping.map_imperatively(Ship, Table('ships', mapping.metadata, {KEY}))\n",
            ("Ship", "A ship of ours."),
        ),
        (
            f"metadata = MetaData()\nTable('ships', metadata, {KEY}, comment='All.')\n",
            ("Ships", "All."),
        ),
        (SHIP + 'class Boat(Ship):\n    "A small one."\n', ("Ship", "A ship of ours.")),
        (
            "class Early:\n    @property\n    def metadata(self):\n        raise RuntimeError\nearly = Early()\n"
            + SHIP,
            ("Ship", "A ship of ours."),
        ),
    ],
    ids=["dataclass", "dataclass with a docstring", "imperative", "core", "inheritance", "a proxy"],
)
def test_tables_may_be_declared_in_any_style(write: Write, source: str, found: tuple[str, str]) -> None:
    assert doc_of(load_catalog(f"{write(sea=BASE + source)}/sea.py"), "ships") == found


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("{}/lake.py", "there is no file {}/lake.py; give the path of a Python file, or the name of a module"),
        ("lake", "there is no module lake in "),
        ("{}/sea.py:Ship", "Ship is no declarative base, registry or MetaData of sea that has tables; it has Base"),
        ("{}/empty.py", "no SQLAlchemy table found in empty"),
        ("{}/empty.py:Base", "Base is no declarative base, registry or MetaData of empty that has tables; it has none"),
        ("{}/torn.py", "{}/torn.py, line 2: ZeroDivisionError: division by zero"),
        ("{}/wrong.py", "SyntaxError: invalid syntax (wrong.py, line 1)"),
        ("{}/needy.py", "{}/needy.py, line 1: ModuleNotFoundError: No module named 'not_there'; install it where"),
        ("{}/leaves.py", "{}/leaves.py, line 1: SystemExit: 3"),
        ("{}/json.py", "json is the name of another module, "),
        ("{}/a.b.py", "a.b in {} cannot be imported by that name; give it one such as mytables.py"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(write: Write, named: str, reason: str) -> None:
    folder = write(
        sea=BASE + SHIP,
        empty=BASE,
        torn="\n1 / 0\n",
        wrong="class",
        needy="import not_there",
        leaves="raise SystemExit(3)",
        json="",
        **{"a.b": ""},
    )
    with pytest.raises(ModelsUnusable, match=re.escape(reason.format(folder))):
        load_catalog(named.format(folder))


def test_all_modules_of_a_package_that_cannot_be_imported_are_told_at_once(write: Write) -> None:
    folder = write(
        fleet__of____init__="", fleet__of__a="import nowhere", fleet__of__b="1 / 0", fleet__of__c__of____init__="0 / 0"
    )
    with pytest.raises(ModelsUnusable) as caught:
        load_catalog(f"{folder}/fleet")
    reasons = caught.value.details["reasons"]
    assert isinstance(reasons, list)
    assert [reason.partition(", line")[0] for reason in reasons] == [
        f"{folder}/fleet/{name}.py" for name in ("a", "b", "c/__init__")
    ]
