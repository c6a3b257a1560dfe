"""An application of FastAPI and SQLModel and Rowferry use the same classes, and the same rows."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from databases import NewDatabase
from loading import Tables
from rowferry.bootstrap import Service
from rowferry.dictionary.module_search import find_module

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own-tables.md"


def test_an_application_reads_what_was_loaded(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = PAGE.read_text("utf-8").split("## Beside an application")[1]
    (application,) = re.findall(r"```python\n(.*?)```", source, re.DOTALL)
    (tmp_path / "shop_application.py").write_text(application)
    monkeypatch.setattr(sys, "path", [*sys.path])
    url = new_database("kind_tables")
    monkeypatch.setenv("DATABASE_URL", url.replace("postgresql:", "postgresql+psycopg:"))
    place = str(tmp_path / "shop_application.py")
    try:
        heroes = Tables(new_service(place, url), tmp_path)
        assert heroes.put("hero.csv", "1,Ann,\n2,Ben,x\n3,,4\n4,Cid,41\n").total("inserted") == 2
        module = find_module(place)
        found = [(hero.id, hero.name, hero.age) for hero in module.heroes()]
        assert found == [(1, "Ann", None), (4, "Cid", 41)]
        module.engine.dispose()
        assert heroes.put("hero.csv", "1,Ann,\n4,Cid,41\n").total("unchanged") == 2
    finally:
        sys.modules.pop("shop_application", None)
        SQLModel._sa_registry.dispose()  # which is the same for all modules of a process
        SQLModel.metadata.clear()
