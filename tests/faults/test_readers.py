"""Who reads a table of PostgreSQL waits for no load, batch, backup or restore, unless a load was told that they may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from others import let_go_of_locks, once, somebody

from batching import Batches, company, employee
from loading import DEPARTMENTS, Tables, counts, employees
from restoring import Restores
from rowferry.events import Event, PublishStarted, RowsJudged

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)

LARGE = 15_000
"""So many rows that they may go another way than few."""

KEPT = "-1,Kept,2021-01-01 00:00,1,1\n"

FOREIGN_KEYS = "SELECT oid FROM pg_constraint WHERE contype = 'f' ORDER BY oid"

ASK = "SET lock_timeout = '{}'; SELECT count(*) FROM departments; SELECT count(*) FROM hired_employees"


@pytest.fixture(params=["superuser", "owner"])
def anyone(request: pytest.FixtureRequest, tables: Tables) -> Tables:
    """The tables of a superuser, and those of an owner who is none."""
    if request.param == "owner":
        request.getfixturevalue("owned")
    return tables.with_parents()


@contextmanager
def somebody_reads(tables: Tables) -> Iterator[None]:
    """All tables are being read all the time: who asks for a lock against readers would wait for this one."""
    engine = sa.create_engine(tables.service.backend.engine.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for name in tables.service.catalog.names:
            connection.exec_driver_sql(f"SELECT FROM {name}")
        yield
        connection.rollback()
    engine.dispose()


def asking(tables: Tables, patience: str) -> Callable[[], object]:
    """Ask a question of a parent and a child, and fail if there is no answer in time."""

    def ask() -> None:
        with somebody(tables) as execute:
            execute(ASK.format(patience))

    return ask


def ask_parents(tables: Tables) -> Callable[[], object]:
    def ask() -> None:
        with somebody(tables) as execute:
            execute("SET lock_timeout = '30s'; SELECT count(*) FROM departments")

    return ask


def foreign_keys(tables: Tables) -> list[int]:
    with tables.service.backend.engine.connect() as connection:
        return list(connection.exec_driver_sql(FOREIGN_KEYS).scalars())


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("options", [{}, {"max_rejects": "50%"}, {"on_conflict": "update"}], ids=str)
def test_a_load_waits_for_no_reader(anyone: Tables, options: dict[str, Any], *, filled: bool) -> None:
    if filled:
        anyone.put("hired_employees.csv", KEPT)
    path = anyone.write("hired_employees.csv", employees(LARGE))
    with somebody_reads(anyone), let_go_of_locks(anyone):
        assert counts(anyone.load(path, **options)) == (LARGE, LARGE, 0, 0, 0)
    changed = anyone.write("hired_employees.csv", employees(LARGE).replace("Name", "New"))
    with somebody_reads(anyone), let_go_of_locks(anyone):
        assert counts(anyone.load(changed, on_conflict="update")) == (LARGE, 0, LARGE, 0, 0)


def test_a_restore_a_batch_and_a_backup_wait_for_no_reader(anyone: Tables) -> None:
    anyone.put("hired_employees.csv", employees(LARGE))
    restores = Restores(anyone)
    with somebody_reads(anyone), let_go_of_locks(anyone):
        kept = restores.back_up("hired_employees")
        Batches(anyone).put(company(employee(LARGE + number) for number in range(1, 151)))
        anyone.execute("DELETE FROM hired_employees WHERE id < 5000")
        anyone.execute("UPDATE hired_employees SET job_id = 1")
        assert restores.restore(kept).total("removed") == 150
        anyone.execute("DELETE FROM hired_employees")
        assert restores.restore(kept).total("added") == LARGE


@pytest.mark.parametrize("moment", [RowsJudged, PublishStarted])
def test_who_reads_a_table_with_rows_gets_an_answer_while_a_load_of_it_stands_still(
    anyone: Tables, moment: type[Event]
) -> None:
    anyone.put("hired_employees.csv", KEPT)
    before = foreign_keys(anyone)
    path = anyone.write("hired_employees.csv", employees(LARGE))
    receipt = anyone.load(path, observe=once(moment, asking(anyone, "200ms")))
    assert counts(receipt) == (LARGE, LARGE, 0, 0, 0)
    assert foreign_keys(anyone) == before


@pytest.mark.parametrize("moment", [RowsJudged, PublishStarted])
def test_who_reads_a_parent_of_an_empty_table_gets_an_answer_while_a_load_stands_still(
    anyone: Tables, moment: type[Event]
) -> None:
    path = anyone.write("hired_employees.csv", employees(LARGE) + "x\n")
    receipt = anyone.load(path, observe=once(moment, ask_parents(anyone)))
    assert counts(receipt) == (LARGE + 1, LARGE, 0, 0, 1)
    assert anyone.count("hired_employees") == LARGE
    assert len(anyone.rejects()) == 1


@pytest.mark.parametrize("part", ["heir", "partition"])
def test_who_reads_a_part_of_a_parent_gets_an_answer_while_a_load_stands_still(owned: Tables, part: str) -> None:
    """Whoever locks a table locks its heirs and partitions, too."""
    if part == "heir":
        owned.execute("CREATE TABLE part (CHECK (id >= 100)) INHERITS (departments)")
    else:
        owned.execute("ALTER TABLE hired_employees DROP CONSTRAINT hired_employees_department_id_fkey")
        owned.execute("DROP TABLE departments")
        owned.execute(
            "CREATE TABLE departments (id integer PRIMARY KEY, department varchar(255) NOT NULL) "
            "PARTITION BY RANGE (id)"
        )
        owned.execute("CREATE TABLE part PARTITION OF departments DEFAULT")
        owned.execute("ALTER TABLE hired_employees ADD FOREIGN KEY (department_id) REFERENCES departments")
    owned.with_parents()
    before = foreign_keys(owned)
    path = owned.write("hired_employees.csv", employees(LARGE))

    def ask() -> None:
        with somebody(owned) as execute:
            execute("SET lock_timeout = '10s'; SELECT count(*) FROM part")

    assert counts(owned.load(path, observe=once(RowsJudged, ask))) == (LARGE, LARGE, 0, 0, 0)
    assert foreign_keys(owned) == before


def test_a_restore_of_an_empty_table_lets_readers_of_its_parents_go_first(owned: Tables) -> None:
    owned.with_parents().put("hired_employees.csv", employees(LARGE))
    restores = Restores(owned)
    kept = restores.back_up("hired_employees")
    owned.execute("DELETE FROM hired_employees")
    receipt = restores.restore(kept, observe=once(RowsJudged, ask_parents(owned)))
    assert receipt.total("added") == LARGE == owned.count("hired_employees")


def test_an_empty_table_is_loaded_without_triggers_while_nobody_reads_its_parents(owned: Tables) -> None:
    owned.with_parents()
    before = foreign_keys(owned)
    assert counts(owned.put("hired_employees.csv", employees(LARGE))) == (LARGE, LARGE, 0, 0, 0)
    assert len(foreign_keys(owned)) == len(before)
    assert not set(before) & set(foreign_keys(owned)), "they were not added again"


def many_employees(tables: Tables, rows: int) -> None:
    """So many rows in a table, put in the quick way, as if long ago."""
    with somebody(tables) as execute:
        execute(
            "SET session_replication_role = replica; "
            f"INSERT INTO hired_employees SELECT -n, 'Kept', '2021-01-01', 1, 1 FROM generate_series(1, {rows}) AS n; "
            "ANALYZE hired_employees"
        )


def refused(ask: Callable[[], object], told: list[str]) -> Callable[[], None]:
    def act() -> None:
        with pytest.raises(sa.exc.OperationalError) as caught:
            ask()
        told.append(str(caught.value))

    return act


def test_readers_wait_for_an_exclusive_load_of_many_rows(owned: Tables) -> None:
    owned.with_parents()
    many_employees(owned, 100_000)
    before, told = foreign_keys(owned), list[str]()
    path = owned.write("hired_employees.csv", employees(LARGE))
    observe = once(PublishStarted, refused(asking(owned, "50ms"), told))
    assert counts(owned.load(path, exclusive=True, observe=observe)) == (LARGE, LARGE, 0, 0, 0)
    assert len(told) == 1, "nobody had to wait"
    assert len(foreign_keys(owned)) == len(before)
    assert not set(before) & set(foreign_keys(owned)), "they were not proven as a whole"


@pytest.mark.parametrize("options", [{}, {"max_rejects": "50%"}], ids=str)
def test_an_exclusive_load_of_few_rows_into_a_large_table_pays_for_triggers(
    owned: Tables, options: dict[str, Any]
) -> None:
    owned.with_parents()
    many_employees(owned, 500_000)
    before = foreign_keys(owned)
    path = owned.write("hired_employees.csv", employees(LARGE))
    receipt = owned.load(path, exclusive=True, observe=once(RowsJudged, asking(owned, "200ms")), **options)
    assert counts(receipt) == (LARGE, LARGE, 0, 0, 0)
    assert foreign_keys(owned) == before


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("filled", [True, False])
def test_parents_that_are_locked_are_looked_for_all_the_same(owned: Tables, *, exclusive: bool, filled: bool) -> None:
    owned.with_parents()
    owned.execute("INSERT INTO departments SELECT n, 'Department ' || n FROM generate_series(4, 20000) AS n")
    if filled:
        owned.put("hired_employees.csv", KEPT)
    rows = 60_000
    text = "".join(f"{n},Ann {n},2021-05-30T05:43:46Z,{n // 2 + 1},{n % 3 + 1}\n" for n in range(1, rows + 1))
    with let_go_of_locks(owned):
        receipt = owned.put("hired_employees.csv", text, exclusive=exclusive)
    assert receipt.tables[0].rejected_by_code == {"reference.missing": rows - 39_999}
    assert owned.count("hired_employees") == 39_999 + filled


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("filled", [True, False])
def test_the_owner_loads_children_with_the_parents_that_they_refer_to(
    owned: Tables, *, exclusive: bool, filled: bool
) -> None:
    owned.with_parents()
    if filled:
        owned.put("hired_employees.csv", KEPT)
    parents = owned.write("departments.csv", DEPARTMENTS + "4,New\n")
    children = owned.write("hired_employees.csv", employees(LARGE, departments=4))
    told: list[Event] = []
    receipt = owned.load(parents, children, exclusive=exclusive, observe=told.append)
    assert receipt.total("inserted") == LARGE + 1
    assert sum(isinstance(event, PublishStarted) for event in told) == 2, "it was tried again"


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_owner_loads_known_and_changed_rows_beside_new_ones(owned: Tables, *, exclusive: bool) -> None:
    owned.with_parents().put("hired_employees.csv", employees(100))
    text = employees(3 * LARGE, first=101) + employees(50) + employees(1, first=70).replace("Name", "New")
    receipt = owned.put("hired_employees.csv", text, exclusive=exclusive, on_conflict="update")
    assert counts(receipt) == (3 * LARGE + 51, 3 * LARGE, 1, 50, 0)
    assert owned.count("hired_employees") == 3 * LARGE + 100
