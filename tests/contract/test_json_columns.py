"""JSON in files, batches and tables: nothing of it changes on the way, and an ORM reads and writes the same."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from batching import Batches
from loading import Tables, counts
from restoring import Restores, counts as restored
from rowferry.bootstrap import Service
from rowferry.errors import ModelsUnusable
from rowferry.operations.read_rows import as_document, read_rows
from rowferry.settings import read_settings
from rowferry.sources.json.source import as_csv_rows

_MODEL = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

class Base(DeclarativeBase):
    pass

class Note(Base):
    __tablename__ = "notes"
    id = mapped_column(Integer, primary_key=True, autoincrement=False)
    kept = mapped_column(JSON)
    meant = mapped_column(JSONB, CheckConstraint("CAST(meant AS TEXT) <> '[]'", name="not_empty"))
"""


@pytest.fixture
def notes(both_databases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tables]]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "notes_of_json", raising=False)
    (tmp_path / "notes_of_json.py").write_text(_MODEL)
    services = [Service(replace(read_settings(url), models="notes_of_json")) for url in both_databases]
    for service in services:
        service.start()
    yield [Tables(service, tmp_path / f"database-{at}") for at, service in enumerate(services)]
    for service in services:
        service.close()


def spelled(tables: Tables) -> list[str | None]:
    with tables.service.backend.engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT CAST(kept AS TEXT) FROM notes ORDER BY id")))


def test_a_batch_keeps_each_number_as_it_was_sent(notes: list[Tables]) -> None:
    sent = '{"a": [1.0, 1e400, 18446744073709551616, 0.10, -0], "b":  "\\u00e9 \\u2603", "c": null}'
    body = (
        f'{{"notes": [{{"id": 1, "kept" : {sent}, "meant": "x"}}, {{"id": 2, "kept": null, "meant": {{}} }}]}}'.encode()
    )
    for tables in notes:
        assert Batches(tables).put(body).inserted == {"notes": 2}
        assert spelled(tables) == [sent, None]
        assert Batches(tables).put(body).unchanged == {"notes": 2}
        rules = tables.service.catalog.table("notes")
        page = as_document({"notes": read_rows(tables.service.backend, rules, None, 10)})
        assert sent in page
        assert Batches(tables).put(page.encode()).unchanged == {"notes": 2}


def test_what_an_orm_writes_is_unchanged_and_what_is_loaded_it_reads(notes: list[Tables]) -> None:
    for tables in notes:
        note = next(mapper.class_ for mapper in sys.modules["notes_of_json"].Base.registry.mappers)
        values: list[object] = [{"a": [1.5, None, "é\n"]}, [], "x", None, 7, True, {"": {"b": 2**70}}]
        with Session(tables.service.backend.engine) as session:
            session.add_all(note(id=at, kept=value, meant=value or "-") for at, value in enumerate(values))
            session.commit()
        rows = ((at, json.dumps(value), json.dumps(value or "-")) for at, value in enumerate(values))
        quoted = "".join('{},"{}","{}"\n'.format(at, *(t.replace('"', '""') for t in texts)) for at, *texts in rows)
        assert counts(tables.put("notes.csv", quoted)) == (7, 0, 0, 7, 0)
        backup = Restores(tables).back_up("notes")
        tables.execute("DELETE FROM notes")
        assert restored(Restores(tables).restore(backup))[0] == 7
        with Session(tables.service.backend.engine) as session:
            assert [found.kept for found in session.scalars(sa.select(note).order_by(note.id))] == values


def test_a_text_of_json_is_no_null_and_an_empty_cell_is(notes: list[Tables]) -> None:
    for tables in notes:
        assert counts(tables.put("notes.csv", "1,null,1\n2,,1\n")) == (2, 2, 0, 0, 0)
        assert spelled(tables) == ["null", None]


def test_members_may_come_in_another_order_where_their_values_count(notes: list[Tables]) -> None:
    for tables in notes:
        assert counts(tables.put("notes.csv", '1,[],"{""a"":1,""b"":2}"\n')) == (1, 1, 0, 0, 0)
        again = counts(tables.put("notes.csv", '1,[],"{""b"": 2, ""a"": 1}"\n', on_conflict="skip"))
        assert again == (1, 0, 0, 1, 0)
        other = Batches(tables).put({"notes": [{"id": 1, "kept": [], "meant": {"a": 1, "b": 3}}]}, on_conflict="update")
        assert other.updated == {"notes": 1}
        assert tables.rows("notes") == [(1, [], {"a": 1, "b": 3})]


def test_faults_of_a_batch_are_told_and_can_be_corrected(notes: list[Tables]) -> None:
    body = (
        b'{"notes": [{"id": 1, "kept": {"a": 1.0, "a": 2}, "meant": 1}, '
        b'{"id": 2, "kept": [1.0], "meant": "\\u0000"}, {"id": 3, "meant": []}]}'
    )
    for tables in notes:
        rejected = Batches(tables).put(body, all_or_nothing=False).rejected
        told = [[(error["column"], str(error["code"])) for error in row.errors] for row in rejected]
        assert told == [[("kept", "value.type")], [("meant", "value.type")], [(None, "value.check")]]
        assert 'has "a" twice' in str(rejected[0].errors[0]["message"])
        rules = tables.service.catalog.table("notes")
        rejects = [{"raw": body.decode()[11:70].partition("}, {")[0] + "}"}]
        rows = list(as_csv_rows(rules, rejects, of_restore=False))
        assert rows[0]["raw"] == '1,"{""a"": 1.0, ""a"": 2}",1'


def test_numbers_alone_that_a_database_would_change_are_refused(notes: list[Tables]) -> None:
    for tables in notes:
        numbers = ["1.0", "1e400", str(2**64), "-0", "0.5", "0.1234567890123456789", str(2**63 - 1), "7e0"]
        receipt = tables.put("notes.csv", "".join(f"{at},{number},1\n" for at, number in enumerate(numbers)))
        if receipt.total("rejected"):
            assert [at for at, codes in tables.codes() if codes == ["value.range"]] == [1, 2, 3, 4, 6, 8]
        kept = [text for at, text in enumerate(numbers, 1) if at not in [number for number, _ in tables.codes()]]
        assert spelled(tables) == kept


def test_json_tells_no_rows_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "keys_of_json.py").write_text(_MODEL.replace("(JSON)", "(JSON, unique=True)"))
    with pytest.raises(ModelsUnusable, match=r"notes\.kept: type JSON\(\) cannot tell rows apart"):
        Service(replace(read_settings(f"sqlite:///{tmp_path}/x.db"), models="keys_of_json"))
