"""Triggers and foreign keys that a database has beyond its models hold, whichever way many rows go in."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import IsolationLevel

from batching import Batches, codes, company, employee
from loading import Tables, employees
from restoring import Restores
from rowferry.backends import referred_keys
from rowferry.backends.postgresql.table import PostgresqlTable, Statements
from rowferry.dictionary.rules import rules_of
from rowferry.errors import ParentsVanished, TooManyRefused
from rowferry.events import PublishStarted
from rowferry.operations import batch_transactions as operation
from speaking import constraints, only_postgresql
from waiting import SECONDS

pytestmark = only_postgresql

LARGE = 15_000
BATCH = 150
"""So many rows that triggers of foreign keys may be left out."""

_HIRED = (
    "id integer PRIMARY KEY, name varchar(255), datetime timestamptz, "
    "department_id integer REFERENCES departments, job_id integer REFERENCES jobs"
)


@pytest.fixture
def filled(tables: Tables) -> Tables:
    """Many employees."""
    tables.with_parents().put("hired_employees.csv", employees(LARGE))
    return tables


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_PATIENCE_SECONDS", 0.0)


def execute(tables: Tables, *statements: str) -> None:
    for statement in statements:
        tables.execute(statement)


def found(tables: Tables, query: str) -> list[tuple[Any, ...]]:
    with tables.service.backend.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def require_all_refused(tables: Tables, constraint: str) -> None:
    receipt = Batches(tables).put(company(employee(number) for number in range(BATCH)))
    assert receipt.inserted == {"departments": 0, "jobs": 0, "hired_employees": 0}
    assert {code for *_, ((_, code),) in codes(receipt)} == {f"database.{constraint}"}
    assert len(receipt.rejected) == BATCH


def with_doors(tables: Tables, action: str) -> None:
    """The name of an employee is on a door: somebody refers to a column that is not the key."""
    execute(
        tables,
        "ALTER TABLE hired_employees ADD UNIQUE (name)",
        f"CREATE TABLE doors (name varchar(255) REFERENCES hired_employees (name) ON UPDATE {action})",
        "INSERT INTO doors SELECT name FROM hired_employees WHERE id = 5",
    )


def test_an_update_of_a_column_that_others_refer_to_is_refused(filled: Tables) -> None:
    with_doors(filled, "NO ACTION")
    renamed = filled.write("hired_employees.csv", employees(LARGE).replace("Name", "New"))
    receipt = filled.load(renamed, on_conflict="update")
    assert (receipt.total("updated"), filled.codes()) == (LARGE - 1, [(5, ["database.doors_name_fkey"])])


def test_an_update_reaches_those_who_refer_to_the_column(filled: Tables) -> None:
    with_doors(filled, "CASCADE")
    renamed = employees(LARGE).replace("Name", "New")
    assert filled.put("hired_employees.csv", renamed, on_conflict="update").total("updated") == LARGE
    assert found(filled, "SELECT name FROM doors") == [("New 5",)]


def test_a_restore_of_a_column_that_others_refer_to_is_refused(filled: Tables) -> None:
    restores = Restores(filled)
    kept = restores.keep("hired_employees")
    filled.execute("UPDATE hired_employees SET name = 'x' || name")
    with_doors(filled, "NO ACTION")
    before = filled.everything()
    (found,) = restores.restore(kept).obstacles
    assert (found.kind, found.rows) == ("referred_to", 1)
    assert "1 row of doors refers (by name) to rows of hired_employees that have another name" in found.message
    assert filled.everything() == before


def test_surplus_that_is_referred_to_as_no_model_knows_is_not_removed(tables: Tables) -> None:
    restores = Restores(tables.with_parents())
    tables.put("hired_employees.csv", employees(10))
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    tables.put("departments.csv", "".join(f"{number},Surplus\n" for number in range(10, 10 + LARGE)))
    execute(
        tables,
        "ALTER TABLE hired_employees ADD former integer REFERENCES departments",
        "UPDATE hired_employees SET former = 11 WHERE id = 1",
    )
    before = tables.everything()
    with pytest.raises(ParentsVanished):
        restores.restore(*kept)
    assert tables.everything() == before
    tables.execute("UPDATE hired_employees SET former = NULL")
    assert restores.restore(*kept).total("removed") == LARGE


@pytest.mark.parametrize("surplus", [2, LARGE])
def test_a_table_of_the_same_name_elsewhere_is_another(tables: Tables, surplus: int) -> None:
    restores = Restores(tables.with_parents())
    kept = [restores.keep(table) for table in restores.service.catalog.names]
    tables.put("departments.csv", "".join(f"{number},Surplus\n" for number in range(10, 10 + surplus)))
    execute(
        tables,
        "CREATE SCHEMA hr",
        "CREATE TABLE hr.hired_employees (department_id integer REFERENCES public.departments)",
        "INSERT INTO hr.hired_employees VALUES (11)",
    )
    assert [(obstacle.kind, obstacle.examples) for obstacle in restores.restore(*kept).obstacles] == [
        ("referred_to", [{"id": 11}])
    ]


@pytest.mark.parametrize("of", ["hr.departments", "departments (number)"])
def test_a_foreign_key_that_leads_elsewhere_than_its_model_says(tables: Tables, of: str) -> None:
    tables.with_parents()
    execute(
        tables,
        "CREATE SCHEMA hr",
        "CREATE TABLE hr.departments (id integer PRIMARY KEY)",
        "ALTER TABLE departments ADD number integer UNIQUE",
        "ALTER TABLE hired_employees DROP CONSTRAINT hired_employees_department_id_fkey",
        f"ALTER TABLE hired_employees ADD FOREIGN KEY (department_id) REFERENCES {of}",
    )
    tables.fail(TooManyRefused, tables.write("hired_employees.csv", employees(LARGE)))
    require_all_refused(tables, "hired_employees_department_id_fkey")


def partitioned(tables: Tables, column: str) -> None:
    execute(
        tables.with_parents(),
        "DROP TABLE hired_employees",
        f"CREATE TABLE hired_employees ({_HIRED}) PARTITION BY RANGE (id)",
        "CREATE TABLE badges (id integer PRIMARY KEY)",
        f"CREATE TABLE part PARTITION OF hired_employees ({column}) FOR VALUES FROM (-1) TO (1000000)",
    )


def test_a_foreign_key_of_a_partition_is_checked(tables: Tables) -> None:
    partitioned(tables, "FOREIGN KEY (id) REFERENCES badges")
    tables.fail(TooManyRefused, tables.write("hired_employees.csv", employees(LARGE)))
    require_all_refused(tables, "part_id_fkey")


def test_a_trigger_of_a_partition_fires(tables: Tables) -> None:
    partitioned(tables, "name NOT NULL")
    execute(
        tables,
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO badges VALUES (NEW.id); RETURN NEW; END $$",
        "CREATE TRIGGER note AFTER INSERT ON part FOR EACH ROW EXECUTE FUNCTION note()",
    )
    before = constraints(tables.service.backend.engine, "oid")
    Batches(tables).put(company(employee(number) for number in range(BATCH)))
    assert tables.count("badges") == BATCH
    assert tables.put("hired_employees.csv", employees(LARGE, first=BATCH)).total("inserted") == LARGE
    assert tables.count("badges") == BATCH + LARGE
    assert constraints(tables.service.backend.engine, "oid") == before


@pytest.mark.usefixtures("few_refused")
@pytest.mark.parametrize("filled", [True, False])
def test_a_foreign_key_that_was_not_validated_is_checked_all_the_same(owned: Tables, *, filled: bool) -> None:
    owned.with_parents()
    if filled:
        owned.put("hired_employees.csv", "-1,Kept,2021-01-01 00:00,1,1\n")
    execute(
        owned,
        "CREATE TABLE badges (id integer PRIMARY KEY)",
        "ALTER TABLE hired_employees ADD FOREIGN KEY (id) REFERENCES badges NOT VALID",
    )
    before = constraints(owned.service.backend.engine, "oid")
    owned.fail(TooManyRefused, owned.write("hired_employees.csv", employees(LARGE)))
    owned.execute(f"INSERT INTO badges SELECT generate_series(1, {LARGE})")
    assert owned.put("hired_employees.csv", employees(LARGE)).total("inserted") == LARGE
    assert constraints(owned.service.backend.engine, "oid") == before


def test_a_comment_on_a_foreign_key_is_kept(owned: Tables) -> None:
    owned.with_parents()
    owned.execute("COMMENT ON CONSTRAINT hired_employees_job_id_fkey ON hired_employees IS 'agreed'")
    comment = "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname LIKE '%job_id_fkey'"
    assert owned.put("hired_employees.csv", employees(LARGE)).total("inserted") == LARGE
    assert found(owned, comment) == [("agreed",)]


def test_a_view_that_depends_on_the_primary_key_is_kept(tables: Tables) -> None:
    tables.with_parents().execute(
        "CREATE VIEW hired AS SELECT h.*, count(d.id) FROM hired_employees h "
        "LEFT JOIN departments d ON d.id = h.department_id GROUP BY h.id"
    )
    assert tables.put("hired_employees.csv", employees(LARGE)).total("inserted") == LARGE
    assert tables.count("hired") == LARGE


def test_a_parent_in_an_heir_of_its_table_is_none(tables: Tables, impatient: None) -> None:
    tables.with_parents()
    execute(tables, "CREATE TABLE heirs () INHERITS (departments)", "INSERT INTO heirs VALUES (4, 'Heirs')")
    path = tables.write("hired_employees.csv", employees(LARGE, departments=4))
    tables.fail(ParentsVanished, path)
    with pytest.raises(ParentsVanished):
        Batches(tables).put({"hired_employees": [employee(number, department_id=4) for number in range(BATCH)]})


def test_foreign_keys_of_odd_names_are_known(tables: Tables) -> None:
    models = sa.MetaData()
    key = sa.Column('the "key', sa.Integer, primary_key=True)
    parent = sa.Table("odd names/ü", models, key)
    reference = sa.Column("100 % (of)", sa.Integer, sa.ForeignKey(key))
    child = sa.Table("Select", models, sa.Column("id", sa.Integer, primary_key=True), reference)
    models.create_all(tables.service.backend.engine)
    with tables.service.backend.engine.connect() as connection:
        assert PostgresqlTable(Statements(connection), rules_of(child)).skips_triggers()
        assert PostgresqlTable(Statements(connection), rules_of(parent)).is_referred_to_as_known()


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_parent_deleted_while_many_are_looked_for_leaves_no_orphan(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, level: IsolationLevel
) -> None:
    monkeypatch.setattr(referred_keys, "_MOST", 1)  # so that parents are not looked for one by one
    tables.with_parents()
    path = tables.write("hired_employees.csv", employees(LARGE))
    engine = tables.service.backend.engine.execution_options(isolation_level=level)

    def delete() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM jobs")  # from here on, it sees what there is now
            begun.set()
            connection.exec_driver_sql("DELETE FROM departments WHERE id = 3")

    begun = Event()
    deletions: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        def act(event: object) -> None:
            if isinstance(event, PublishStarted) and not deletions:
                deletions.append(pool.submit(delete))
                begun.wait()

        assert tables.load(path, observe=act).total("inserted") == LARGE
        with pytest.raises((sa.exc.IntegrityError, sa.exc.OperationalError)):
            deletions[0].result(SECONDS)
    assert tables.count("departments") == 3


def test_a_parent_that_is_gone_before_many_are_looked_for_is_missed(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referred_keys, "_MOST", 1)
    tables.with_parents()
    tables.execute("ALTER TABLE departments DISABLE TRIGGER ALL")  # which a trigger of ours could not let pass

    def act(event: object) -> None:
        if isinstance(event, PublishStarted):
            tables.execute("DELETE FROM departments WHERE id = 3")

    receipt = tables.load(tables.write("hired_employees.csv", employees(LARGE)), observe=act)
    assert receipt.tables[0].rejected_by_code == {"reference.missing": LARGE // 3}
