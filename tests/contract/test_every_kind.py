"""Every kind goes through load, batch, page, document, backup and restore, here and elsewhere; and its faults."""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import CHAR, select
from sqlalchemy.orm import Session

from backing_up import Backups
from batching import Batches
from kind_values import KIND_VALUES, LONG_DECIMALS, KindValues
from loading import Tables, counts, lines
from restoring import Restores, counts as restored
from rowferry.bootstrap import Service
from rowferry.dictionary.schemas import batch_schemas
from rowferry.kinds.kind import Kind
from rowferry.kinds.registry import KINDS
from rowferry.operations.read_rows import as_document, read_rows
from rowferry.operations.restore_sources import RestoreSource
from rowferry.settings import read_settings

_MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import CIDR, DATERANGE, INET, JSONB, MACADDR, MACADDR8
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    must = mapped_column({column}, nullable=False)
    may = mapped_column({column}, nullable=True)
"""


@pytest.fixture(params=[*KINDS, LONG_DECIMALS], ids=lambda given: getattr(given, "name", "long decimals"))
def values(request: pytest.FixtureRequest) -> KindValues:
    given: Kind | KindValues = request.param
    return given if isinstance(given, KindValues) else KIND_VALUES[given]


@pytest.fixture
def things(
    values: KindValues, both_databases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Tables]]:
    """A table of the kind in each database."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "things_of_a_kind", raising=False)
    (tmp_path / "things_of_a_kind.py").write_text(_MODEL.format(column=values.column))
    urls = [url for url in both_databases if values.everywhere or not url.startswith("sqlite")]
    settings = [replace(read_settings(url), models="things_of_a_kind") for url in urls]
    services = [Service(each) for each in settings]
    for service in services:
        service.start()
    yield [Tables(service, tmp_path / f"database-{at}") for at, service in enumerate(services)]
    for service in services:
        service.backend.engine.dispose()


def rows_of(tables: Tables) -> list[tuple[object, ...]]:
    """What a session of the class itself reads; SQLite gives instants without their zone, which is always UTC."""
    found = tables.service.catalog.table("things").table
    with Session(tables.service.backend.engine) as session:
        rows = [tuple(row) for row in session.execute(select(found).order_by(found.c.id))]
    if isinstance(found.c.must.type, CHAR):  # PostgreSQL fills them up, for the class as well
        return [tuple(v.ljust(4) if isinstance(v, str) else v for v in row) for row in rows]
    if not getattr(found.c.must.type, "timezone", False):
        return rows
    return [tuple(v.replace(tzinfo=v.tzinfo or dt.UTC) if isinstance(v, dt.datetime) else v for v in r) for r in rows]


def meant_by(values: KindValues) -> list[tuple[object, ...]]:
    return [(at, value, value if at % 2 else None) for at, (_, value, _) in enumerate(values.good)]


def test_from_file_to_table_to_backup_and_back(things: list[Tables], values: KindValues) -> None:
    given = [(at, _quoted(text), _quoted(text) if at % 2 else "") for at, (text, _, _) in enumerate(values.good)]
    meant = meant_by(values)
    count = len(given)
    backed_up = []
    for tables in things:
        file = "".join(f"{at},{must},{may}\n" for at, must, may in given)
        assert counts(tables.put("things.csv", file)) == (count, count, 0, 0, 0)
        assert rows_of(tables) == meant
        assert counts(tables.put("things.csv", file)) == (count, 0, 0, count, 0)
        restores = Restores(tables)
        backed_up.append(restores.back_up("things"))
        tables.execute("UPDATE things SET may = must")
        assert restored(restores.restore(backed_up[-1]))[:2] == (0, (count + 1) // 2)
        assert rows_of(tables) == meant
        backups = Backups(tables.service, tables.folder / "backups")
        assert backups.verify(backups.take("things")[0]).manifest.rows == count
    for tables, other in zip(things, backed_up[::-1], strict=True):
        rules = tables.service.catalog.table("things")
        source = RestoreSource(rules, other.path, other.name, other.backup_id, other.seal)
        assert restored(Restores(tables).restore(source)) == (0, 0, 0, count, 0)
        tables.execute("DELETE FROM things")
        assert restored(Restores(tables).restore(source)) == (count, 0, 0, 0, 0)
        assert rows_of(tables) == meant


@pytest.mark.parametrize(
    "values",
    [kind for kind in KINDS if KIND_VALUES[kind].is_text_in_json],
    ids=lambda kind: kind.name,
    indirect=True,
)
def test_what_the_class_wrote_is_unchanged_and_comes_back(things: list[Tables], values: KindValues) -> None:
    given = [(at, _quoted(text), _quoted(text) if at % 2 else "") for at, (text, _, _) in enumerate(values.good)]
    for tables in things:
        model = sys.modules["things_of_a_kind"].Thing
        with Session(tables.service.backend.engine) as session:
            session.add_all(model(id=at, must=must, may=may) for at, must, may in meant_by(values))
            session.commit()
        kept = raw_of(tables)
        file = "".join(f"{at},{must},{may}\n" for at, must, may in given)
        assert counts(tables.put("things.csv", file)) == (len(given), 0, 0, len(given), 0)
        restores = Restores(tables)
        source = restores.back_up("things")
        assert restored(restores.restore(source)) == (0, 0, 0, len(given), 0)
        tables.execute("DELETE FROM things")
        assert restored(restores.restore(source)) == (len(given), 0, 0, 0, 0)
        assert raw_of(tables) == kept
        with Session(tables.service.backend.engine) as session:
            found = session.scalars(select(model).order_by(model.id)).all()
            assert len(found) == len(given)
        assert rows_of(tables) == meant_by(values)


def raw_of(tables: Tables) -> list[tuple[object, ...]]:
    """The rows as the database itself spells them, but for blanks that fill a text up."""
    spelled = "must, typeof(must), may" if tables.service.backend.capabilities.embedded else "must::text, may::text"
    with tables.service.backend.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT id, {spelled} FROM things ORDER BY id")
        return [tuple(v.rstrip(" ") if isinstance(v, str) else v for v in row) for row in found]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_in_json_and_as_json(things: list[Tables], values: KindValues) -> None:
    texts = [text if values.is_text_in_json else json for text, _, json in values.good]
    sent = [
        {"id": at, "must": must, "may": json}
        for at, (must, (_, _, json)) in enumerate(zip(texts, values.good, strict=True))
    ]
    for tables in things:
        receipt = Batches(tables).put({"things": sent})
        assert receipt.rejected == []
        assert receipt.inserted == {"things": len(sent)}
        rules = tables.service.catalog.table("things")
        rows = [{"id": at, "must": json, "may": json} for at, (_, _, json) in enumerate(values.good)]
        assert json.loads(as_document({"items": read_rows(tables.service.backend, rules, None, 100)})) == {
            "items": rows
        }
        assert Batches(tables).put({"things": rows}).unchanged == {"things": len(rows)}
        document = batch_schemas(tables.service.catalog)["Thing"]["properties"]
        variants = [document["must"], *document["must"].get("anyOf", [])]
        assert any(values.schema.items() <= variant.items() for variant in variants)


def test_each_fault_is_told(things: list[Tables], values: KindValues) -> None:
    _, value, json = values.good[0]
    for tables in things:
        good = _quoted(values.good[0][0])
        file = lines((at, _quoted(text), good) for at, (text, _) in enumerate(values.faulty))
        file += f"100,{good},\n"
        receipt = tables.put("things.csv", file)
        assert counts(receipt) == (len(values.faulty) + 1, 1, 0, 0, len(values.faulty))
        assert rows_of(tables) == [(100, value, None)]
        assert tables.codes() == [(at, [code]) for at, (_, code) in enumerate(values.faulty, 1)]
        assert all("must" in error["message"] for row in tables.rejects() for error in row["errors"])
        if not values.is_text_in_json:
            continue
        sent = [{"id": 200 + at, "must": text, "may": json} for at, (text, _) in enumerate(values.faulty)]
        rejected = Batches(tables).put({"things": sent}).rejected
        assert [[str(error["code"]) for error in row.errors] for row in rejected] == [[c] for _, c in values.faulty]
