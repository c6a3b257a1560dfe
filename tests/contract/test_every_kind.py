"""Every kind goes through load, batch, page, document, backup and restore, here and elsewhere; and its faults."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backing_up import Backups
from batching import Batches
from kind_values import KIND_VALUES, KindValues
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
from sqlalchemy.dialects.postgresql import CIDR, INET, JSONB, MACADDR
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    must = mapped_column({column}, nullable=False)
    may = mapped_column({column}, nullable=True)
"""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def values(request: pytest.FixtureRequest) -> KindValues:
    kind: Kind = request.param
    return KIND_VALUES[kind]


@pytest.fixture
def things(
    values: KindValues, both_databases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Tables]]:
    """A table of the kind in each database."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "things_of_a_kind", raising=False)
    (tmp_path / "things_of_a_kind.py").write_text(_MODEL.format(column=values.column))
    settings = [replace(read_settings(url), models="things_of_a_kind") for url in both_databases]
    services = [Service(each) for each in settings]
    for service in services:
        service.start()
    yield [Tables(service, tmp_path / f"database-{at}") for at, service in enumerate(services)]
    for service in services:
        service.backend.engine.dispose()


def test_from_file_to_table_to_backup_and_back(things: list[Tables], values: KindValues) -> None:
    given = [(at, _quoted(text), _quoted(text) if at % 2 else "") for at, (text, _, _) in enumerate(values.good)]
    meant = [(at, value, value if at % 2 else None) for at, (_, value, _) in enumerate(values.good)]
    count = len(given)
    backed_up = []
    for tables in things:
        file = "".join(f"{at},{must},{may}\n" for at, must, may in given)
        assert counts(tables.put("things.csv", file)) == (count, count, 0, 0, 0)
        assert tables.rows("things") == meant
        assert counts(tables.put("things.csv", file)) == (count, 0, 0, count, 0)
        restores = Restores(tables)
        backed_up.append(restores.back_up("things"))
        tables.execute("UPDATE things SET may = must")
        assert restored(restores.restore(backed_up[-1]))[:2] == (0, (count + 1) // 2)
        assert tables.rows("things") == meant
        backups = Backups(tables.service, tables.folder / "backups")
        assert backups.verify(backups.take("things")[0]).manifest.rows == count
    for tables, other in zip(things, backed_up[::-1], strict=True):
        rules = tables.service.catalog.table("things")
        source = RestoreSource(rules, other.path, other.name, other.backup_id, other.seal)
        assert restored(Restores(tables).restore(source)) == (0, 0, 0, count, 0)
        tables.execute("DELETE FROM things")
        assert restored(Restores(tables).restore(source)) == (count, 0, 0, 0, 0)
        assert tables.rows("things") == meant


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
        assert tables.rows("things") == [(100, value, None)]
        assert tables.codes() == [(at, [code]) for at, (_, code) in enumerate(values.faulty, 1)]
        assert all("must" in error["message"] for row in tables.rejects() for error in row["errors"])
        if not values.is_text_in_json:
            continue
        sent = [{"id": 200 + at, "must": text, "may": json} for at, (text, _) in enumerate(values.faulty)]
        rejected = Batches(tables).put({"things": sent}).rejected
        assert [[str(error["code"]) for error in row.errors] for row in rejected] == [[c] for _, c in values.faulty]
