"""Nested fields of other programs' files are passed over, whatever is in them, and named; harm is found out."""

from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given, strategies as st

from made_up import made_up
from rowferry.avro.codecs import UnsoundBlockError
from rowferry.avro.container import Header, spell_block, spell_header, spell_varint
from rowferry.avro.fields import BlockDecoder, fields_of
from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import BackupDamaged
from rowferry.sources.avro.source import AvroSource

JOBS = load_catalog("rowferry.models").table("jobs")

Typed = tuple[Any, st.SearchStrategy[Any]]

_NAMES = iter(f"type_{number}" for number in range(10_000_000))

_PLAIN: list[Typed] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("float", st.just(0.5)),
    ("double", st.floats(allow_nan=False)),
    ("bytes", st.binary(max_size=9)),
    ("string", st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
]


def _union(inner_type: Typed) -> Typed:
    return ["null", "int", {"type": "array", "items": inner_type[0]}], st.none() | st.lists(inner_type[1], max_size=2)


def _nested(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def of_fields(types: list[Typed]) -> Typed:
        names = [f"f{at}" for at in range(len(types))]
        fields = [{"name": name, "type": avro} for name, (avro, _) in zip(names, types, strict=True)]
        values = st.fixed_dictionaries({name: value for name, (_, value) in zip(names, types, strict=True)})
        return {"type": "record", "name": next(_NAMES), "fields": fields}, values

    return st.one_of(
        inner.map(lambda inner_type: ({"type": "array", "items": inner_type[0]}, st.lists(inner_type[1], max_size=4))),
        inner.map(
            lambda inner_type: (
                {"type": "map", "values": inner_type[0]},
                st.dictionaries(st.text("ab"), inner_type[1], max_size=3),
            )
        ),
        st.lists(inner, max_size=3).map(of_fields),
        st.sampled_from(_PLAIN[1:]).map(_union),
    )


_TYPES = st.recursive(st.sampled_from(_PLAIN), _nested, max_leaves=5)


@made_up(20)
@given(data=st.data())
def test_the_rest_of_a_row_is_read_as_ever(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    extras = data.draw(st.lists(_TYPES, min_size=1, max_size=4))
    fields = [{"name": f"extra_{at}", "type": avro} for at, (avro, _) in enumerate(extras)]
    fields.insert(data.draw(st.integers(0, len(fields))), {"name": "id", "type": "long"})
    fields.insert(data.draw(st.integers(0, len(fields))), {"name": "job", "type": ["string", "null"]})
    values = {f"extra_{at}": value for at, (_, value) in enumerate(extras)}
    row = st.fixed_dictionaries({"id": st.integers(1, 2**31 - 1), "job": st.text("aä", min_size=1), **values})
    rows = data.draw(st.lists(row, max_size=6))
    path = tmp_path_factory.mktemp("avro") / "jobs.avro"
    schema = fastavro.parse_schema({"type": "record", "name": "jobs", "fields": fields})
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, sync_interval=60)
    with AvroSource(path, JOBS) as source:
        source.check()
        assert source.ignored == [field["name"] for field in fields if str(field["name"]).startswith("extra")]
        columns = [[column.to_pylist() for column in batch.columns] for batch in source.batches()]
    found = [pair for ids, jobs in columns for pair in zip(ids, jobs, strict=True)]
    assert found == [(row["id"], row["job"]) for row in rows]


def test_types_may_be_named_and_have_themselves_within(tmp_path: Path) -> None:
    tree = {"type": "record", "name": "tree", "namespace": "a.b", "fields": [
        {"name": "size", "type": {"type": "enum", "name": "size", "symbols": ["S", "L"]}},
        {"name": "inner", "type": {"type": "array", "items": "tree"}},
    ]}  # fmt: skip
    fields = [{"name": "tree", "type": tree}, {"name": "id", "type": "int"}, {"name": "job", "type": "a.b.size"}]
    leaf = {"size": "S", "inner": []}
    rows = [{"tree": {"size": "L", "inner": [leaf, {"size": "L", "inner": [leaf]}]}, "id": 1, "job": "L"}]
    path = tmp_path / "jobs.avro"
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema({"type": "record", "name": "jobs", "fields": fields}), rows)
    with AvroSource(path, JOBS) as source:
        (batch,) = source.batches()
        assert [column.to_pylist() for column in batch.columns] == [[1], ["L"]]
        assert batch.raw(0) == '{"id":1,"job":"L"}'


_ARRAY = {"type": "array", "items": "null"}
_EMPTY = {"type": "record", "name": "empty", "fields": []}
HARM: list[tuple[Any, bytes]] = [
    ({"type": "array", "items": "int"}, spell_varint(10**12)),
    ({"type": "array", "items": "int"}, spell_varint(-1) + spell_varint(2**60) + b"\0"),
    ({"type": "map", "values": "null"}, spell_varint(10**12)),
    ({"type": "map", "values": "int"}, spell_varint(1) + spell_varint(-5)),
    (["null", "int", "string"], spell_varint(3)),
    (["null", "int", "string"], spell_varint(-1)),
    (["null", "int", "string"], b"\x80" * 11),
    ({"type": "array", "items": "int"}, b""),
    ({"type": "record", "name": "r", "fields": [{"name": "r", "type": "r"}]}, b""),
    ({"type": "array", "items": {"type": "record", "name": "l", "fields": [{"name": "n", "type": ["l", "null"]}]}},
     spell_varint(1) + bytes(100_000)),
]  # fmt: skip


@pytest.mark.parametrize(("avro", "data"), HARM)
def test_harm_is_found_out(tmp_path: Path, avro: Any, data: bytes) -> None:
    fields = [{"name": "id", "type": "int"}, {"name": "job", "type": "string"}, {"name": "x", "type": avro}]
    header = Header({"type": "record", "name": "jobs", "fields": fields}, "null", bytes(16))
    path = tmp_path / "harm.avro"
    path.write_bytes(spell_header(header) + spell_block(1, b"\x02\x02a" + data, bytes(16)))
    with AvroSource(path, JOBS) as source, pytest.raises(BackupDamaged):
        list(source.batches())


def test_what_takes_no_room_is_stepped_over_at_once() -> None:
    """10 to the power of 12 values of nothing, and a record of nothing that is used twice."""
    fields = [{"name": "id", "type": "int"}, {"name": "a", "type": _ARRAY}, {"name": "b", "type": _EMPTY},
              {"name": "c", "type": {"type": "array", "items": "empty"}}]  # fmt: skip
    decoder = BlockDecoder(fields_of({"type": "record", "name": "r", "fields": fields}))
    many = spell_varint(10**12) + b"\0"
    assert decoder.decode(1, b"\x02" + many + many).column("id").to_pylist() == [1]
    with pytest.raises(UnsoundBlockError, match="more than 16"):
        decoder.decode(1, bytes(17 * 1024 * 1024))


def test_a_schema_of_many_names_is_looked_at_once() -> None:
    wide = {"type": "record", "name": "wide", "fields": [{"name": f"f{at}", "type": "int"} for at in range(4_000)]}
    fields = [{"name": "id", "type": "int"}, {"name": "first", "type": wide}]
    fields += [{"name": f"again_{at}", "type": "wide"} for at in range(4_000)]
    assert len(fields_of({"type": "record", "name": "r", "fields": fields})) == 4_002
