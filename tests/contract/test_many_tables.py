"""Hundreds of tables: what a start and a load ask the database does not grow with the number of tables."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from loading import Tables, counts
from owning import HEAD, ServiceOf
from rowferry.bootstrap import Service
from rowferry.settings import Settings

_TABLES = """
for at in range({}):
    of = [Column("of", Integer, ForeignKey(f"boxes_{{at - 1}}.id"))] if at % 5 else []
    boxes = Table(f"boxes_{{at}}", metadata, Column("id", Integer, primary_key=True), Column("name", String(9)), *of)
"""


@pytest.fixture
def asked_by(service_of: ServiceOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """How many statements a start and a load take with so many tables, all of which are in the database."""

    def count(number: int) -> list[int]:
        made = service_of(HEAD + _TABLES.format(number))
        statements: list[str] = []
        service = Service(Settings(made.settings.database_url, models="own_tables"))
        sa.event.listen(
            service.backend.engine, "before_cursor_execute", lambda _c, _d, statement, *_: statements.append(statement)
        )
        service.start()
        service.require_usable(service.schema())
        at_start = len(statements)
        assert counts(Tables(service, tmp_path).put("boxes_0.csv", "1,Crate\n")) == (1, 1, 0, 0, 0)
        service.close()
        monkeypatch.delitem(sys.modules, "own_tables")
        return [at_start, len(statements) - at_start]

    return count


def test_what_is_asked_does_not_grow_with_the_number_of_tables(asked_by: Callable[[int], list[int]]) -> None:
    assert asked_by(1) == asked_by(60)
