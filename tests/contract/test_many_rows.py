"""Files that are large enough to be loaded in bulk, also by somebody who is no superuser."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from databases import NewDatabase
from loading import JOBS, Tables
from rowferry.bootstrap import Service
from speaking import constraints, only_postgresql, only_sqlite, sql_of

MANY = 40_000


def departments() -> str:
    return "".join(f"{key},Department {key:010}\n" for key in range(1, MANY + 1))


def employees(first: int, last: int) -> str:
    rows = (f"{key},Ann {key},2021-05-30T05:43:46Z,{key % 50_000 + 1},{key % 3 + 1}" for key in range(first, last + 1))
    return "\n".join(rows)


def orphans(tables: Tables) -> int:
    query = "SELECT count(*) FROM hired_employees WHERE department_id NOT IN (SELECT id FROM departments)"
    with tables.service.backend.engine.connect() as connection:
        return int(connection.execute(sa.text(query)).scalar_one())


def test_large_parents_and_their_children_in_one_load(tables: Tables) -> None:
    receipt = tables.load(
        tables.write("departments.csv", departments()),
        tables.write("jobs.csv", JOBS),
        tables.write("hired_employees.csv", employees(1, 50_000)),
    )
    assert receipt.total("inserted") == MANY + 3 + 40_000
    assert receipt.tables[2].rejected_by_code == {"reference.missing": 10_000}
    assert orphans(tables) == 0


def test_more_rows_into_tables_that_have_some(tables: Tables) -> None:
    test_large_parents_and_their_children_in_one_load(tables)
    receipt = tables.put("hired_employees.csv", employees(30_001, 80_000))
    (table,) = receipt.tables
    assert (table.inserted, table.unchanged, table.rejected) == (30_000, 10_000, 10_000)
    assert tables.count("hired_employees") == 70_000
    assert orphans(tables) == 0


def test_rows_above_all_in_the_table_and_then_rows_that_it_has(tables: Tables) -> None:
    test_large_parents_and_their_children_in_one_load(tables)
    known = employees(1, 100).replace("Ann 50,", "Bob,")
    receipt = tables.put("hired_employees.csv", employees(50_001, 120_000) + "\n" + known)
    (table,) = receipt.tables
    assert (table.inserted, table.unchanged) == (60_000, 99)
    assert table.rejected_by_code == {"reference.missing": 10_000, "key.conflict": 1}
    assert tables.count("hired_employees") == 100_000
    assert orphans(tables) == 0


def test_the_owner_of_the_tables_loads_them_as_well(owned: Tables) -> None:
    before = constraints(owned.service.backend.engine)
    test_more_rows_into_tables_that_have_some(owned)
    assert constraints(owned.service.backend.engine) == before


@only_postgresql
def test_the_owner_may_be_granted_what_a_superuser_does(owned: Tables) -> None:
    # Before PostgreSQL 15, it could not be granted.
    old = (owned.service.backend.engine.dialect.server_version_info or ()) < (15,)
    grant = "ALTER ROLE plain SUPERUSER" if old else "GRANT SET ON PARAMETER session_replication_role TO plain"
    owned.execute(f"RESET ROLE; {grant}; SET ROLE plain")
    test_large_parents_and_their_children_in_one_load(owned)
    before = constraints(owned.service.backend.engine, "oid")
    assert owned.put("hired_employees.csv", employees(50_001, 80_000)).total("inserted") == 30_000
    assert constraints(owned.service.backend.engine, "oid") == before
    assert orphans(owned) == 0


def test_a_superuser_leaves_the_constraints_as_they_were(tables: Tables) -> None:
    before = constraints(tables.service.backend.engine)
    test_more_rows_into_tables_that_have_some(tables)
    assert constraints(tables.service.backend.engine) == before


def test_triggers_of_the_user_fire_for_every_row(tables: Tables) -> None:
    tables.with_parents()
    tables.execute("CREATE TABLE hires (id integer)")
    note = "INSERT INTO hires VALUES (new.id)"
    tables.execute(*sql_of(tables.service.backend.engine).trigger("note", "AFTER INSERT", "hired_employees", note))
    rows = "\n".join(f"{key},Ann {key} {'x' * 30},2021-05-30T05:43:46Z,1,1" for key in range(1, 20_001))
    assert tables.put("hired_employees.csv", rows).total("inserted") == 20_000
    with tables.service.backend.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM hires")).scalar_one() == 20_000


@only_sqlite
def test_into_a_database_that_keeps_texts_as_utf_16(
    new_database: NewDatabase, new_service: Callable[..., Service], tmp_path: Path
) -> None:
    url = new_database()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.executescript("PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (id); DROP TABLE t;")
    tables = Tables(new_service(url=url), tmp_path)
    receipt = tables.put("departments.csv", departments() + f"{MANY + 1},Vårdcentral 😀\n")
    assert receipt.total("inserted") == MANY + 1
    assert tables.rows("departments")[-1] == (MANY + 1, "Vårdcentral 😀")
