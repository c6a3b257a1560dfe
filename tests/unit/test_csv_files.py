"""Which file goes into which table."""

import gzip
import zipfile
from pathlib import Path

import pytest

from rowferry.dictionary.catalog import Catalog, load_catalog
from rowferry.errors import (
    FolderEmpty,
    PathMissing,
    RowferryError,
    SourceAmbiguous,
    SourceUnknown,
    TableUnknown,
    UsageError,
)
from rowferry.errors.sources import LinkLeadsOutside, SourceNotCsv, TableUnsaid
from rowferry.sources.csv.files import find_files


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog("rowferry.models")


def touch(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return [folder / name for name in names]


def test_a_folder_stands_for_its_files_parents_first(tmp_path: Path, catalog: Catalog) -> None:
    touch(tmp_path, "hired_employees.csv.zst", "departments.csv", "jobs.csv.gz", ".jobs.csv", "._departments.csv")
    found = find_files([tmp_path], catalog).files
    assert [(file.name, file.rules.name) for file in found] == [
        ("departments.csv", "departments"),
        ("jobs.csv.gz", "jobs"),
        ("hired_employees.csv.zst", "hired_employees"),
    ]
    assert found[0].path == tmp_path / "departments.csv"


def test_a_folder_may_lack_tables(tmp_path: Path, catalog: Catalog) -> None:
    touch(tmp_path, "jobs.csv")
    assert [file.name for file in find_files([tmp_path], catalog)] == ["jobs.csv"]


def test_named_files_are_taken_in_load_order_and_may_share_a_table(tmp_path: Path, catalog: Catalog) -> None:
    employees = touch(tmp_path / "a", "hired_employees.csv") + touch(tmp_path / "b", "hired_employees.csv.gz")
    jobs = touch(tmp_path, "jobs.csv")
    found = find_files([*employees, *jobs], catalog)
    assert [file.path for file in found] == [*jobs, *employees]


def test_a_file_of_any_name_goes_into_the_table_that_is_said(tmp_path: Path, catalog: Catalog) -> None:
    (path,) = touch(tmp_path, "export 2021.txt")
    (file,) = find_files([path], catalog, "jobs")
    assert (file.rules.name, file.name) == ("jobs", "export 2021.txt")


def test_of_a_folder_only_the_table_that_is_said(tmp_path: Path, catalog: Catalog) -> None:
    touch(tmp_path, "jobs.csv", "departments.csv")
    assert [file.name for file in find_files([tmp_path], catalog, "jobs")] == ["jobs.csv"]


@pytest.mark.parametrize(
    ("names", "asked", "table", "error", "told"),
    [
        ([], "absent", None, PathMissing, "absent"),
        ([], "", None, FolderEmpty, "jobs.csv"),
        (["notes.txt"], "", None, FolderEmpty, "departments.csv"),
        (["jobs.csv"], "", "departments", FolderEmpty, "departments.csv"),
        (["people.csv"], "people.csv", None, SourceUnknown, "people.csv"),
        (["jobs.csv", "jobs.csv.gz"], "", None, SourceAmbiguous, "jobs.csv.gz"),
        (["jobs.csv", "Jobs.CSV"], "", "jobs", SourceAmbiguous, "Jobs.CSV"),
        ([], "-", None, TableUnsaid, "departments"),
        (["jobs.csv"], "jobs.csv", "people", TableUnknown, "people"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path,
    catalog: Catalog,
    *,
    names: list[str],
    asked: str,
    table: str | None,
    error: type[UsageError],
    told: str,
) -> None:
    touch(tmp_path, *names)
    with pytest.raises(error) as caught:
        find_files([Path("-") if asked == "-" else tmp_path / asked], catalog, table)
    assert told in caught.value.message + caught.value.advice


def test_files_of_no_table_are_passed_over_and_named_and_hidden_ones_are_not(tmp_path: Path, catalog: Catalog) -> None:
    touch(tmp_path, "jobs.csv", "people.csv", "notes.txt", "._people.csv", ".hidden.csv")
    (tmp_path / "old").mkdir()
    found = find_files([tmp_path], catalog)
    assert [file.name for file in found] == ["jobs.csv"]
    assert found.passed_over == ["notes.txt", "people.csv"]


def test_a_folder_that_is_named_after_a_table_is_named_as_passed_over(tmp_path: Path, catalog: Catalog) -> None:
    """Programs that write a table in parts call their folder so."""
    touch(tmp_path, "jobs.csv")
    touch(tmp_path / "departments.csv", "part-1.csv", "part-2.csv")
    found = find_files([tmp_path], catalog)
    assert ([file.name for file in found], found.passed_over) == (["jobs.csv"], ["departments.csv/"])
    parts = find_files([tmp_path / "departments.csv"], catalog, "departments")
    assert [file.name for file in parts] == ["part-1.csv", "part-2.csv"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("people.parquet", b"PAR1\x15" + bytes(9), "it is a Parquet file"),
        ("jobs.xls", b"\xd0\xcf\x11\xe0" + bytes(9), "it is an old Excel workbook"),
        ("jobs.avro", b"Obj\x01" + bytes(9), "it is an Avro file"),
        ("people.csv", "id,job\n".encode("utf-16"), "is not named after a table"),
        ("people.csv.gz", gzip.compress(b"id,job\n", mtime=0), "is not named after a table"),
    ],
)
def test_a_file_of_no_table_is_called_by_its_format(
    tmp_path: Path, catalog: Catalog, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RowferryError) as caught:
        find_files([path], catalog)
    assert told in caught.value.message
    assert name in caught.value.message


def test_a_workbook_is_called_so_whatever_its_name(tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "departments.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(SourceNotCsv, match=r"departments\.xlsx is not a CSV file: it is an Excel workbook"):
        find_files([path], catalog)


def test_names_match_without_regard_to_case(tmp_path: Path, catalog: Catalog) -> None:
    touch(tmp_path, "Departments.CSV", "JOBS.csv.GZ")
    found = find_files([tmp_path], catalog)
    assert [(file.name, file.rules.name) for file in found] == [
        ("Departments.CSV", "departments"),
        ("JOBS.csv.GZ", "jobs"),
    ]


def test_a_folder_of_parts_goes_into_the_table_that_is_said_in_the_order_of_their_numbers(
    tmp_path: Path, catalog: Catalog
) -> None:
    touch(tmp_path, "part-10.csv", "part-2.csv.gz", "part-1.csv", "departments.csv", "_SUCCESS", "._part-3.csv")
    found = find_files([tmp_path], catalog, "jobs")
    assert [file.name for file in found] == ["part-1.csv", "part-2.csv.gz", "part-10.csv"]
    assert {file.rules.name for file in found} == {"jobs"}
    assert found.passed_over == ["_SUCCESS"]


def test_a_link_out_of_a_confined_folder_is_refused_and_one_within_it_is_not(tmp_path: Path, catalog: Catalog) -> None:
    folder, (secret,) = tmp_path / "data", touch(tmp_path, "secret.txt")
    folder.mkdir()
    touch(folder / "real", "jobs-1.csv")
    (folder / "jobs.csv").symlink_to("real/jobs-1.csv")
    assert [file.name for file in find_files([folder], catalog, confined=True)] == ["jobs.csv"]
    (folder / "departments.csv").symlink_to(secret)
    with pytest.raises(LinkLeadsOutside, match=r"departments\.csv"):
        find_files([folder], catalog, confined=True)
    assert len(find_files([folder], catalog).files) == 2
