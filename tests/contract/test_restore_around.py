"""What is around a restored table stays as it is: constraints, rows of tables that nobody serves, rights."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from loading import DEPARTMENTS, Tables, employees, lines
from owning import HEAD, ServiceOf
from restoring import Restores, counts, people
from rowferry.bootstrap import Service
from speaking import constraints, only_postgresql, only_sqlite

ROWS = 12_000


@pytest.mark.parametrize("empty", [True, False])
def test_the_owner_of_the_tables_restores_them_as_well(owned: Tables, *, empty: bool) -> None:
    restores = Restores(owned.with_parents())
    owned.put("hired_employees.csv", employees(ROWS))
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    before, rules = owned.everything(), constraints(owned.service.backend.engine)
    owned.execute("DELETE FROM hired_employees" if empty else "DELETE FROM hired_employees WHERE id > 200")
    owned.execute("DELETE FROM departments WHERE id NOT IN (SELECT department_id FROM hired_employees)")
    owned.execute("INSERT INTO departments VALUES (9, 'Surplus')")
    receipt = restores.restore(*kept)
    assert counts(receipt)[2] == 1
    assert owned.everything() == before
    assert constraints(owned.service.backend.engine) == rules


@pytest.mark.parametrize("surplus", [2, ROWS])
@pytest.mark.parametrize("action", ["NO ACTION", "CASCADE", "SET NULL"])
def test_rows_of_a_table_that_nobody_serves_are_not_lost(tables: Tables, action: str, surplus: int) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.put("departments.csv", "".join(f"{number},Surplus\n" for number in range(10, 10 + surplus)))
    tables.execute(
        f"CREATE TABLE offices (department INTEGER REFERENCES departments (id) ON DELETE {action}, name VARCHAR(10))"
    )
    tables.execute("INSERT INTO offices VALUES (1, 'West'), (11, 'East')")
    receipt = restores.restore(kept)
    assert [(obstacle.kind, obstacle.rows, obstacle.examples) for obstacle in receipt.obstacles] == [
        ("referred_to", 1, [{"id": 11}])
    ]
    assert "offices" in receipt.obstacles[0].message
    tables.execute("UPDATE offices SET department = 2 WHERE department = 11")
    assert counts(restores.restore(kept)) == (0, 0, surplus, 3, 0)
    assert tables.count("offices WHERE department IN (1, 2)") == 2


CODES = HEAD + (
    'codes = Table("codes", metadata, Column("id", Integer, primary_key=True, autoincrement=False),\n'
    '    Column("code", String(9), unique=True))\n'
    'uses = Table("uses", metadata, Column("id", Integer, primary_key=True, autoincrement=False),\n'
    '    Column("code", String(9), ForeignKey("codes.code", onupdate="DOES")))\n'
)


@pytest.mark.parametrize("action", ["NO ACTION", "SET NULL", "CASCADE"])
def test_what_refers_to_a_value_that_changes(service_of: ServiceOf, tmp_path: Path, action: str) -> None:
    tables = Tables(service_of(CODES.replace("DOES", action)), tmp_path)
    restores = Restores(tables)
    kept = restores.keep("codes", [(1, "a"), (2, "b")])
    tables.put("codes.csv", "1,new\n2,b\n")
    tables.put("uses.csv", "1,new\n2,b\n")
    receipt = restores.restore(kept)
    if action == "CASCADE":
        assert counts(receipt) == (0, 1, 0, 1, 0)
        assert tables.rows("uses") == [(1, "a"), (2, "b")], "as it follows whoever changes it"
        return
    (obstacle,) = receipt.obstacles
    assert (
        obstacle.message == "1 row of uses refers (by code) to rows of codes that have another code in the backup: id 1"
    )
    assert tables.rows("uses") == [(1, "new"), (2, "b")]


@only_postgresql
def test_tables_are_left_in_use_that_refer_to_values_which_stay(service_of: ServiceOf, tmp_path: Path) -> None:
    source = CODES.replace("unique=True))", 'unique=True), Column("note", Integer))').replace("DOES", "SET NULL")
    tables = Tables(service_of(source), tmp_path)
    kept = Restores(tables).keep("codes", [(1, "a", 1)])
    tables.put("codes.csv", "1,a,2\n")
    engine = tables.service.backend.engine
    with engine.connect() as somebody:
        somebody.exec_driver_sql("LOCK TABLE uses IN ROW EXCLUSIVE MODE")
        sa.event.listen(engine, "checkout", lambda driver, *_: driver.execute("SET lock_timeout = '1s'"))
        assert counts(Restores(tables).restore(kept)) == (0, 1, 0, 0, 0)


def test_a_value_that_moves_on_below_what_refers_to_it(service_of: ServiceOf, tmp_path: Path) -> None:
    tables = Tables(service_of(CODES.replace("DOES", "SET NULL")), tmp_path)
    restores = Restores(tables)
    kept = restores.keep("codes", [(1, "a"), (2, None)]), restores.keep("uses", [(1, "a")])
    tables.put("codes.csv", "2,a\n")
    tables.put("uses.csv", "1,a\n")
    assert counts(restores.restore(*kept)) == (1, 1, 0, 1, 0)
    assert tables.rows("uses") == [(1, "a")]


@only_postgresql
def test_what_refers_to_a_partition_is_not_lost(tables: Tables) -> None:
    tables.execute(
        "DROP TABLE departments CASCADE",
        "CREATE TABLE departments (id integer PRIMARY KEY, department varchar(255) NOT NULL) PARTITION BY RANGE (id)",
        "CREATE TABLE few PARTITION OF departments FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE offices (department integer REFERENCES few ON DELETE CASCADE)",
    )
    restores = Restores(tables)
    kept = restores.keep("departments", [(1, "Sales")])
    tables.execute("INSERT INTO departments VALUES (1, 'Sales'), (2, 'Legal')", "INSERT INTO offices VALUES (2)")
    (obstacle,) = restores.restore(kept).obstacles
    assert "1 row of offices refers (by department)" in obstacle.message
    assert tables.count("offices") == 1


@only_sqlite
def test_references_are_found_by_the_collation_of_what_they_lead_to(tables: Tables) -> None:
    tables.execute(
        "DROP TABLE departments",
        "CREATE TABLE departments (id INTEGER PRIMARY KEY, department VARCHAR(255) UNIQUE COLLATE NOCASE)",
        "CREATE TABLE offices (department TEXT REFERENCES departments (department) ON DELETE CASCADE)",
    )
    restores = Restores(tables)
    kept = restores.keep("departments", [(1, "Sales")])
    tables.execute("INSERT INTO departments VALUES (1, 'Sales'), (2, 'Legal')", "INSERT INTO offices VALUES ('LEGAL')")
    assert [obstacle.examples for obstacle in restores.restore(kept).obstacles] == [[{"id": 2}]]
    assert tables.count("offices") == 1


@only_sqlite
def test_what_refers_to_many_surplus_rows_is_looked_up(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.put("hired_employees.csv", employees(ROWS))
    tables.put("departments.csv", "".join(f"{number},Surplus\n" for number in range(10, 10 + ROWS)))
    ticks = counted_steps(tables)
    assert counts(restores.restore(kept)) == (0, 0, ROWS, 3, 0)
    assert 10 <= len(ticks) < 1_000, "to hold each row against each would take 14,400 times 10,000 steps at least"


@only_sqlite
def test_what_refers_to_many_changed_rows_is_looked_up(service_of: ServiceOf, tmp_path: Path) -> None:
    source = CODES.replace("unique=True))", 'unique=True), Column("note", Integer))').replace("DOES", "CASCADE")
    tables = Tables(service_of(source), tmp_path)
    tables.put("codes.csv", lines((number, f"c{number}", 1) for number in range(3_000)))
    tables.put("uses.csv", lines((number, f"c{number}") for number in range(3_000)))
    restores = Restores(tables)
    kept, ticks = restores.keep("codes"), counted_steps(tables)
    tables.put("codes.csv", lines((number, f"c{number}", 2) for number in range(3_000)), on_conflict="update")
    assert counts(restores.restore(kept)) == (0, 3_000, 0, 0, 0)
    assert 10 <= len(ticks) < 500, "to hold each row against each would take 2,700 times 10,000 steps at least"


def counted_steps(tables: Tables) -> list[None]:
    """One for every 10,000 steps that SQLite takes from now on."""
    ticks: list[None] = []

    def count_steps(driver: sqlite3.Connection, *_: object) -> None:
        driver.set_progress_handler(lambda: ticks.append(None), 10_000)

    sa.event.listen(tables.service.backend.engine, "checkout", count_steps)
    return ticks


def test_values_move_on_under_a_unique_index(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.execute("UPDATE departments SET department = 'x' || department")
    tables.execute("CREATE UNIQUE INDEX names ON departments (department)")
    assert counts(restores.restore(kept)) == (0, 3, 0, 0, 0)
    tables.execute("UPDATE departments SET department = 'swap' WHERE id = 1")
    tables.execute("UPDATE departments SET department = 'Sales' WHERE id = 2")
    assert counts(restores.restore(kept)) == (0, 2, 0, 1, 0)


def test_values_swapped_under_a_unique_index_change_nothing(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    for number, name in ((1, "swap"), (2, "Sales"), (1, "Legal")):
        tables.execute(f"UPDATE departments SET department = '{name}' WHERE id = {number}")
    tables.execute("CREATE UNIQUE INDEX names ON departments (department)")
    tables.put("hired_employees.csv", employees(3))
    before = tables.everything()
    found = {obstacle.kind: obstacle for obstacle in restores.restore(kept).obstacles}
    assert found["rules_broken"].rows == 2
    assert "(database.names: 2)" in found["rules_broken"].message
    assert tables.everything() == before


def test_a_unique_value_of_a_surplus_row_is_free_for_another(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.execute("CREATE UNIQUE INDEX names ON departments (department)")
    tables.execute("DELETE FROM departments WHERE id = 1")
    tables.execute("INSERT INTO departments VALUES (7, 'Sales')")
    assert counts(restores.restore(kept)) == (1, 0, 1, 2, 0)


def test_a_key_of_several_columns_and_no_other(new_service: Callable[..., Service], tmp_path: Path) -> None:
    restores = Restores(Tables(new_service("fourth_table"), tmp_path))
    tables = restores.tables
    tables.put("departments.csv", DEPARTMENTS)
    tables.put("countries.csv", "de,Germany\nfr,\n")
    tables.put("projects.csv", "1,Alpha,1,3,,,,,,\n2,Beta,,1,,,,,,\n")
    tables.put("assignments.csv", "1,de\n1,fr\n2,de\n")
    kept = {name: restores.keep(name) for name in restores.service.catalog.names}
    before = tables.everything()
    tables.execute("DELETE FROM assignments WHERE country = 'fr'")
    tables.execute("INSERT INTO countries VALUES ('it', 'Italy')")
    tables.execute("INSERT INTO assignments VALUES (2, 'it')")
    tables.execute("UPDATE projects SET budget = 7.5 WHERE id = 1")
    assert restores.restore(kept["countries"]).obstacles[0].examples == [{"code": "it"}]
    receipt = restores.restore(kept["assignments"])
    assert counts(receipt) == (1, 0, 1, 2, 0)
    assert receipt.tables[0].examples["removed"] == [{"project_id": 2, "country": "it"}]
    assert counts(restores.restore(kept["countries"])) == (0, 0, 1, 2, 0)
    assert counts(restores.restore(kept["projects"])) == (0, 1, 0, 1, 0)
    assert tables.everything() == before


def test_rows_that_break_a_check_of_today(new_service: Callable[..., Service], tmp_path: Path) -> None:
    restores = Restores(Tables(new_service("fourth_table"), tmp_path))
    row = (1, "Alpha", None, 9, None, None, None, None, None, None)
    receipt = restores.restore(restores.keep("projects", [row]))
    assert [error["code"] for error in receipt.obstacles[0].examples[0]["errors"]] == ["value.check"]


def test_nothing_is_left_in_the_database(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    kept = restores.keep("departments")
    tables.put("departments.csv", "".join(f"{number},Surplus\n" for number in range(10, 500)))
    tables.put("hired_employees.csv", employees(300))
    engine = tables.service.backend.engine
    before = sa.inspect(engine).get_table_names(), sa.inspect(engine).get_indexes("hired_employees")
    assert counts(restores.restore(kept)) == (0, 0, 490, 3, 0)
    assert (sa.inspect(engine).get_table_names(), sa.inspect(engine).get_indexes("hired_employees")) == before
    assert counts(restores.restore(restores.keep("hired_employees", people(1, 3)))) == (0, 3, 297, 0, 0)
