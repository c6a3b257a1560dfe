"""Modules of tables that cannot be served, in whole or in part, are refused at the start with all reasons."""

from pathlib import Path

import pytest

from batching import Batches
from loading import Tables, counts
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry.bootstrap import check_settings
from rowferry.errors import ModelsUnusable, SettingInvalid
from speaking import only_postgresql, only_sqlite

KEY = 'Column("id", Integer, primary_key=True, autoincrement=False)'


def test_all_that_is_not_supported_is_told_at_once(service_of: ServiceOf, database_url: str) -> None:
    key = 'Column("id", Integer, primary_key=True)'
    source = HEAD + (
        f'boxes = Table("boxes", metadata, {key}, Column("a", Time(True)))\n'
        f'lids = Table("lids", metadata, Column("id", Integer), Column("box", Integer, ForeignKey("crates.id")))\n'
        f'own = Table("own", metadata, {key}, Column("c", Numeric(77)))\n'
    )
    with pytest.raises(ModelsUnusable) as caught:
        service_of(source)
    reasons = caught.value.details["reasons"]
    assert isinstance(reasons, list)
    begins = [
        "boxes.a: unsupported",
        "lids.box refers to crates.id",
        "own.c: unsupported",
    ]
    assert [reason.startswith(start) for reason, start in zip(reasons, begins, strict=True)] == [True] * len(begins)
    assert all(reason in caught.value.message for reason in reasons)
    assert all("; " in reason or ": use" in reason or "need" in reason for reason in reasons)


def test_tables_of_one_name_in_two_bases_are_not_passed_over(service_of: ServiceOf) -> None:
    source = (
        HEAD + f"other = MetaData()\nboxes = Table('boxes', metadata, {KEY})\nmore = Table('boxes', other, {KEY})\n"
    )
    told = "boxes: 2 MetaData or declarative bases .* serve one of them: own_tables:metadata or own_tables:other"
    with pytest.raises(ModelsUnusable, match=told):
        service_of(source)


@only_sqlite
def test_what_sqlite_has_not_is_said_at_the_start(service_of: ServiceOf) -> None:
    source = "from sqlalchemy.dialects.postgresql import ARRAY, CITEXT\n" + HEAD
    source += f'boxes = Table("boxes", metadata, {KEY}, Column("a", CITEXT), Column("b", Numeric(18, 2)),'
    source += ' Column("c", ARRAY(Integer)))\n'
    source += f'wide = Table("wide", metadata, {KEY}, *[Column(f"c{{at}}", Integer) for at in range(1_900)])\n'
    with pytest.raises(ModelsUnusable) as caught:
        service_of(source)
    for told in (
        "boxes.a: SQLite has no type CITEXT; use one that every database has, or give it one here: "
        ".with_variant(String(), 'sqlite')",
        "boxes.c: SQLite has no type ARRAY; use one that every database has, or give it one here: "
        ".with_variant(JSON(), 'sqlite')",
        "boxes.b has 18",
        "wide: SQLite allows 1,900 columns, but it has",
    ):
        assert told in caught.value.message


@only_postgresql
def test_an_enum_without_a_name_is_told_beside_other_faults(service_of: ServiceOf) -> None:
    name = "n" * 64
    columns = f'{KEY}, Column("color", Enum("red", "green")), Column("{name}", Integer)'
    with pytest.raises(ModelsUnusable) as caught:
        service_of(HEAD + f'boxes = Table("boxes", metadata, {columns})\n')
    assert "boxes.color: PostgreSQL makes a type for an Enum, which needs a name; give it one" in caught.value.message
    assert f"{name} has 64" in caught.value.message


@pytest.mark.parametrize(("columns", "optional"), [(1_590, False), (1_500, True)])
def test_wide_tables_are_loaded_and_backed_up(
    service_of: ServiceOf, tmp_path: Path, columns: int, optional: bool
) -> None:
    source = HEAD + (
        f'names = [f"c{{at}}" for at in range({columns - 1})]\n'
        f'wide = Table("wide", metadata, {KEY}, *[Column(name, Integer, nullable={optional}) for name in names])\n'
    )
    wide = Tables(service_of(source), tmp_path)
    restores, row = Restores(wide), ",".join(["1"] * columns)
    assert counts(wide.put("wide.csv", f"{row}\n")) == (1, 1, 0, 0, 0)
    assert counts(wide.put("wide.csv", f"{row[:-1]}2\n", on_conflict="update")) == (1, 0, 1, 0, 0)
    value = {"id": 2} | {f"c{at}": at for at in range(columns - 1)}
    assert Batches(wide).put({"wide": [value]}).inserted == {"wide": 1}
    kept = restores.back_up("wide")
    wide.execute("DELETE FROM wide")
    assert restores.restore(kept).tables[0].added == 2


@pytest.mark.parametrize("url", ["postgresql+asyncpg://h/b", "sqlite+aiosqlite:///x.db", "postgresql+psycopg2://h/b"])
def test_a_driver_that_would_be_ignored_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    scheme, driver = url.partition(":")[0].split("+")
    with pytest.raises(
        SettingInvalid, match=f"driver {driver} is not supported; leave the driver out of the database URL: {scheme}://"
    ):
        check_settings(url)
    monkeypatch.setenv("SQLALCHEMY_DATABASE_URL", url.replace(driver, {"sqlite": "pysqlite"}.get(scheme, "psycopg")))
    check_settings()
