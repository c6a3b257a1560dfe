"""Files of before, and of other programs: fields are found by name, and values come in the type of their column."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from rowferry.avro.container import Header, spell_header
from rowferry.dictionary.avro_schema import avro_name, avro_schema, schema_sha256
from rowferry.dictionary.catalog import load_catalog
from rowferry.errors import AvroUnfit
from rowferry.judging.rows import raw_rows
from rowferry.sources.avro.source import AvroSource

CATALOG = load_catalog("changed_tables")
THINGS = CATALOG.table("things")
SEEN = dt.datetime(2021, 11, 7, 2, 48, 42, 123000, dt.UTC)


def source_of(path: Path, fields: list[tuple[str, Any]], rows: list[dict[str, Any]], codec: str = "null") -> AvroSource:
    """A file of another program, for things."""
    schema = {"type": "record", "name": "anything", "fields": [{"name": name, "type": one} for name, one in fields]}
    file = path / "things.avro"
    with file.open("wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema), rows, codec=codec)
    return AvroSource(file, THINGS)


def read(source: AvroSource) -> dict[str, list[Any]]:
    with source:
        source.check()
        (batch,) = source.batches()
    return {name: column.to_pylist() for name, column in zip(THINGS.names, batch.columns, strict=True)}


def test_a_backup_of_before_fits_the_table_of_today(tmp_path: Path) -> None:
    """Widened, renamed, reordered, made optional, added with a default or without; and one that is gone."""
    fields = [("gone", "string"), ("name", "string"), ("id", "int"), ("ratio", "int"), ("price", "long")]
    source = source_of(tmp_path, fields, [{"gone": "x", "name": "a", "id": 7, "ratio": 2, "price": 5}])
    assert source.ignored == ["gone"]
    assert read(source) == {
        "id": [7], "label": ["a"], "ratio": [2.0], "price": [Decimal("5.00")], "seen": [None], "level": [3],
        "fee": [Decimal("1.50")], "since": [dt.date(2020, 1, 31)], "note": [None],
    }  # fmt: skip


def test_the_newest_name_wins(tmp_path: Path) -> None:
    fields = [("id", "long"), ("name", "string"), ("label", "string")]
    source = source_of(tmp_path, fields, [{"id": 1, "name": "old", "label": "new"}])
    assert source.ignored == ["name"]
    assert read(source)["label"] == ["new"]


@pytest.mark.parametrize(
    ("avro", "value", "expected"),
    [
        ({"type": "long", "logicalType": "timestamp-millis"}, SEEN, SEEN),
        ({"type": "long", "logicalType": "timestamp-micros"}, SEEN, SEEN),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, SEEN.replace(tzinfo=None), SEEN),
        ("string", "2021-11-07T02:48:42Z", "2021-11-07T02:48:42Z"),
        (["string", "null"], None, None),
        (["null", "string"], "2021-11-07 02:48", "2021-11-07 02:48"),
        ("bytes", b"2021-11-07T02:48:42Z", "2021-11-07T02:48:42Z"),
        ({"type": "enum", "name": "e", "symbols": ["never", "once"]}, "once", "once"),
        ("null", None, None),
        ("long", 1636253322, 1636253322),
        ({"type": "int", "logicalType": "date"}, dt.date(2021, 11, 7), dt.date(2021, 11, 7)),
    ],
)
def test_an_instant_comes_in_many_forms(tmp_path: Path, avro: Any, value: Any, expected: Any) -> None:
    """What the file meant is what the judge sees; texts it reads as those of a CSV file."""
    assert read(source_of(tmp_path, [("id", "int"), ("seen", avro)], [{"id": 1, "seen": value}]))["seen"] == [expected]


@pytest.mark.parametrize("size", [None, 9, 16])
def test_decimals_come_in_bytes_or_fixed(tmp_path: Path, size: int | None) -> None:
    values = [Decimal("-12345.67"), Decimal("0.00"), Decimal("99.01"), None]
    decimal = {"logicalType": "decimal", "precision": 9, "scale": 2}
    avro: Any = {"type": "bytes"} if size is None else {"type": "fixed", "name": "d", "size": size}
    rows = [{"id": at, "price": value} for at, value in enumerate(values)]
    source = source_of(tmp_path, [("id", "int"), ("price", ["null", {**avro, **decimal}])], rows)
    assert read(source)["price"] == values


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_codecs_of_other_programs_are_read(tmp_path: Path, codec: str) -> None:
    rows = [{"id": at, "label": f"thing {at}"} for at in range(5_000)]
    source = source_of(tmp_path, [("id", "int"), ("label", "string")], rows, codec)
    with source:
        found = [pa.RecordBatch.from_arrays(b.columns[:2], names=["id", "label"]) for b in source.batches()]
        assert source.rows_read == 5_000
        assert source.bytes_read == source.size
    assert pa.Table.from_batches(found).to_pylist() == rows


def test_decimals_without_fraction_are_integers(tmp_path: Path) -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 0}
    source = source_of(tmp_path, [("id", decimal)], [{"id": Decimal(at)} for at in (-(2**31), 0, 7)])
    assert read(source)["id"] == [-(2**31), 0, 7]


def test_texts_that_are_no_texts_come_as_they_are(tmp_path: Path) -> None:
    with source_of(tmp_path, [("id", "int"), ("label", "bytes")], [{"id": 1, "label": b"\xff"}]) as source:
        (batch,) = source.batches()
        assert batch.columns[1].to_pylist() == [b"\xff"]
        assert batch.raw(0) == '{"id":1,"label":"\\\\xff"}'


def test_rows_are_shown_as_json(tmp_path: Path) -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    fields = [("id", "int"), ("price", decimal), ("seen", {"type": "long", "logicalType": "timestamp-micros"})]
    rows = [{"id": at, "price": Decimal("1.50"), "seen": SEEN} for at in range(3)]
    with source_of(tmp_path, fields, rows) as source:
        assert list(raw_rows(source.batches(), [1, 3])) == [
            (1, '{"id":0,"price":"1.50","seen":"2021-11-07T02:48:42.123000Z"}'),
            (3, '{"id":2,"price":"1.50","seen":"2021-11-07T02:48:42.123000Z"}'),
        ]


def test_a_required_column_without_a_default_must_be_there(tmp_path: Path) -> None:
    source_of(tmp_path, [("id", "int")], [{"id": 1}]).reader.__exit__(None, None, None)
    strict = AvroSource(tmp_path / "things.avro", CATALOG.table("stricts"))
    with strict, pytest.raises(AvroUnfit, match="needed"):
        strict.check()


@pytest.mark.parametrize(
    ("name", "avro"),
    [
        ("label", {"type": "array", "items": "int"}),
        ("label", {"type": "map", "values": "int"}),
        ("label", ["null", "int", "string"]),
        ("x", "date"),
        ("x", "array"),
        ("x", {"type": "array"}),
        ("x", {"type": "record", "name": "y", "fields": 5}),
        ("x", {"type": "record", "name": "y", "fields": [5]}),
        ("x", [{"type": "map", "values": "date"}]),
    ],
)
def test_what_is_no_row_of_a_table_is_refused(tmp_path: Path, name: str, avro: Any) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"}, {"name": name, "type": avro}]}
    path = tmp_path / "nested.avro"
    path.write_bytes(spell_header(Header(schema, "null", bytes(16))))
    with AvroSource(path, THINGS) as source, pytest.raises(AvroUnfit, match=f"field {name}"):
        source.check()


def test_fields_are_found_in_any_case(tmp_path: Path) -> None:
    source = source_of(tmp_path, [("ID", "long"), ("LABEL", "string")], [{"ID": 1, "LABEL": "a"}])
    assert source.ignored == []
    assert read(source)["label"] == ["a"]


def test_the_very_name_wins_over_one_in_another_case(tmp_path: Path) -> None:
    fields = [("Id", "long"), ("id", "long"), ("ID", "long")]
    source = source_of(tmp_path, fields, [{"Id": 1, "id": 2, "ID": 3}])
    assert source.ignored == ["Id", "ID"]
    assert read(source)["id"] == [2]


def test_names_that_differ_in_case_only_are_not_guessed(tmp_path: Path) -> None:
    source = source_of(tmp_path, [("Id", "long"), ("ID", "long")], [{"Id": 1, "ID": 3}])
    with source, pytest.raises(AvroUnfit, match="its fields Id, ID differ only in case, and none of them is id"):
        source.check()


def test_the_schema_tells_aliases_and_defaults() -> None:
    fields = {field["name"]: field for field in avro_schema(THINGS)["fields"]}
    assert fields["label"]["aliases"] == ["title", "name"]
    assert [fields[name].get("default") for name in ("level", "fee", "since")] == [3, "\x00\x96", 18292]
    assert fastavro.parse_schema(avro_schema(THINGS))
    assert schema_sha256(avro_schema(THINGS)) == schema_sha256(dict(reversed(avro_schema(THINGS).items())))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [("plain_1", "plain_1"), ("first name", "first_x20_name"), ("1st", "_1st"), ("é", "_xe9_")],
)
def test_names_are_spelled_as_avro_takes_them(name: str, spelled: str) -> None:
    assert avro_name(name) == spelled
