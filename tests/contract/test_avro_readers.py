"""Any Avro reader opens our files, finds the right values, and a schema that says what the table says."""

from pathlib import Path
from typing import Any

import avro.datafile
import avro.io
import fastavro
import polars as pl
import pytest
from hypothesis import given, strategies as st

from avro_rows import EMPTY, FULL, read_avro, rows_of, write_avro
from made_up import made_up
from rowferry.avro.codecs import CODECS
from rowferry.dictionary.catalog import load_catalog

PROJECTS = load_catalog("fourth_table").table("projects")
EMPLOYEES = load_catalog("rowferry.models").table("hired_employees")

ROWS = [FULL, EMPTY]


def read_fastavro(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def read_apache(path: Path) -> list[Any]:
    with avro.datafile.DataFileReader(path.open("rb"), avro.io.DatumReader()) as reader:
        return list(reader)


def read_polars(path: Path) -> list[Any]:
    return pl.read_avro(path).to_dicts()


@pytest.mark.parametrize("codec", ["deflate", "null"])
@pytest.mark.parametrize("read", [read_fastavro, read_apache])
def test_values_are_right_in_libraries_of_python(tmp_path: Path, read: Any, codec: str) -> None:
    path = tmp_path / "projects.avro"
    write_avro(path, PROJECTS, [ROWS, ROWS], codec)
    assert read(path) == [*ROWS, *ROWS]


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_other_codecs_are_read_where_they_are_known(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "projects.avro"
    write_avro(path, PROJECTS, [ROWS], codec)
    assert read_fastavro(path) == ROWS


def test_values_are_right_in_polars(tmp_path: Path) -> None:
    path = tmp_path / "hired_employees.avro"
    row = {"id": 1, "name": "Zoë", "datetime": FULL["seen"], "department_id": 2, "job_id": 3}
    write_avro(path, EMPLOYEES, [[row]])
    assert read_polars(path) == [row]


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_without_rows_opens_everywhere(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "hired_employees.avro"
    seal = write_avro(path, EMPLOYEES, [[]], codec)
    assert read_polars(path) == read_fastavro(path) == read_apache(path) == read_avro(path, EMPLOYEES, seal) == []
    assert pl.read_avro(path).columns == list(EMPLOYEES.names)


def test_the_schema_says_what_the_table_says(tmp_path: Path) -> None:
    path = tmp_path / "hired_employees.avro"
    write_avro(path, EMPLOYEES, [])
    with path.open("rb") as file:
        schema: Any = fastavro.reader(file).writer_schema
    assert schema["name"] == "rowferry.hired_employees"
    assert schema["doc"] == EMPLOYEES.doc
    fields = {field["name"]: field for field in schema["fields"]}
    assert list(fields) == list(EMPLOYEES.names)
    assert fields["id"]["type"] == "int"
    assert fields["name"]["type"] == "string"
    assert fields["name"]["doc"] == "Name and surname of the employee"
    assert fields["datetime"]["type"] == {"type": "long", "logicalType": "timestamp-micros"}


def test_what_is_optional_is_a_union_with_null_that_defaults_to_it(tmp_path: Path) -> None:
    path = tmp_path / "projects.avro"
    write_avro(path, PROJECTS, [])
    with path.open("rb") as file:
        schema: Any = fastavro.reader(file).writer_schema
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["visits"]["type"] == ["null", "long"]
    assert fields["visits"]["default"] is None
    assert fields["budget"]["type"][1] == {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
    assert "default" not in fields["level"]


@made_up(20)
@given(st.data())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """All tables, all kinds, all codecs: by fastavro and by ourselves, value for value."""
    catalog = load_catalog("fourth_table")
    rules = catalog.table(data.draw(st.sampled_from(catalog.names)))
    first, second = data.draw(rows_of(rules)), data.draw(rows_of(rules))
    path = tmp_path_factory.mktemp("avro") / "rows.avro"
    seal = write_avro(path, rules, [first, second], data.draw(st.sampled_from(sorted(CODECS))))
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr("rowferry.sources.avro.source.MOST_ROWS", data.draw(st.sampled_from([1, 7, 65_536])))
        assert read_avro(path, rules, seal) == [*first, *second]
    assert read_fastavro(path) == [*first, *second]
