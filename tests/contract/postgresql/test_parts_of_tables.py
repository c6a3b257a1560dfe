"""Tables of PostgreSQL in parts: partitions, tables that inherit, and rows that a policy hides."""

from pathlib import Path

import pytest

from batching import Batches
from loading import Tables, counts, lines
from owning import HEAD, ServiceOf
from restoring import Restores, counts as restored
from rowferry.bootstrap import faults_on_database
from rowferry.errors import RightMissing
from rowferry.events import BackupWritten, Event
from speaking import only_postgresql

pytestmark = only_postgresql

MODELS = (
    HEAD + 'Table("pay", metadata, Column("id", Integer, {}), Column("name", String(40)), Column("age", Integer))\n'
)
KEY = "primary_key=True, autoincrement=False"
COLUMNS = "id integer, name varchar(40), age integer"
PARTITIONS = {
    "RANGE (id)": ("FOR VALUES FROM (0) TO (50)", "FOR VALUES FROM (50) TO (90000)"),
    "LIST (id)": ("FOR VALUES IN (1, 2)", "DEFAULT"),
    "HASH (id)": ("FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"),
    "RANGE (age)": ("FOR VALUES FROM (0) TO (50)", "DEFAULT"),
}


@pytest.fixture
def pay(service_of: ServiceOf, tmp_path: Path, request: pytest.FixtureRequest) -> Tables:
    """The table `pay`, with a key unless something else is asked for."""
    found = Tables(service_of(MODELS.format(getattr(request, "param", KEY))), tmp_path)
    found.execute("DROP TABLE pay")
    return found


@pytest.mark.parametrize("way", PARTITIONS)
def test_partitions_are_one_table(pay: Tables, way: str) -> None:
    """Rows change over from one to another where their values do, and come back where they belong."""
    key = ", PRIMARY KEY (id)" if way.endswith("(id)") else ""
    pay.execute(f"CREATE TABLE pay ({COLUMNS}{key}) PARTITION BY {way}")
    pay.execute(*(f"CREATE TABLE p{at} PARTITION OF pay {of}" for at, of in enumerate(PARTITIONS[way])))
    assert counts(pay.put("pay.csv", "1,Ann,10\n2,Bo,20\n60,Cy,70\n")) == (3, 3, 0, 0, 0)
    assert counts(pay.put("pay.csv", "1,Ann,80\n2,Bo,20\n", on_conflict="update")) == (2, 0, 1, 1, 0)
    Batches(pay).put({"pay": [{"id": 2, "name": "Bob", "age": 90}]}, on_conflict="update")
    restores, before = Restores(pay), pay.everything()
    kept = restores.back_up("pay")
    pay.execute("DELETE FROM pay WHERE id = 1", "UPDATE pay SET age = 1 WHERE id = 2")
    pay.put("pay.csv", lines((number, "New", 1) for number in range(100, 2_100)))
    receipt = restores.restore(kept)
    assert (restored(receipt), receipt.tables[0].notes) == ((1, 1, 2_000, 1, 0), [])
    assert pay.everything() == before


def test_a_row_without_a_partition_is_rejected(pay: Tables) -> None:
    pay.execute(f"CREATE TABLE pay ({COLUMNS}, PRIMARY KEY (id)) PARTITION BY RANGE (id)")
    pay.execute("CREATE TABLE few PARTITION OF pay FOR VALUES FROM (0) TO (50)")
    assert counts(pay.put("pay.csv", "1,Ann,10\n60,Cy,70\n")) == (2, 1, 0, 0, 1)
    assert pay.codes() == [(2, ["database.partition"])]


@pytest.mark.parametrize("pay", ["nullable=True"], indirect=True)
def test_partitions_without_a_key_are_one_table(pay: Tables) -> None:
    pay.execute(f"CREATE TABLE pay ({COLUMNS}) PARTITION BY RANGE (age)")
    pay.execute(*(f"CREATE TABLE p{at} PARTITION OF pay {of}" for at, of in enumerate(PARTITIONS["RANGE (age)"])))
    pay.put("pay.csv", "1,Ann,10\n1,Ann,10\n1,Ann,80\n")
    restores = Restores(pay)
    kept = restores.back_up("pay")
    pay.execute("DELETE FROM p0", "INSERT INTO pay VALUES (1, 'Ann', 80)")
    assert restored(restores.restore(kept)) == (2, 0, 1, 1, 0)
    assert (pay.count("p0"), pay.count("p1")) == (2, 1)


def test_partitions_are_drafted_as_one_table(pay: Tables) -> None:
    pay.execute(f"CREATE TABLE whole ({COLUMNS}, PRIMARY KEY (id)) PARTITION BY HASH (id)")
    pay.execute("CREATE TABLE pay PARTITION OF whole FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    backend = pay.service.backend
    with backend.engine.connect() as connection:
        found = faults_on_database(pay.service.catalog.metadata, backend, connection)
    assert found == ["it is a partition of whole, and served with it"]


def test_rows_of_heirs_are_in_backups_and_come_back_to_the_table_itself(pay: Tables) -> None:
    """Both is said, since columns of an heir's own are lost on the way."""
    pay.execute(f"CREATE TABLE pay ({COLUMNS}, PRIMARY KEY (id))", "CREATE TABLE heir (note text) INHERITS (pay)")
    pay.execute("INSERT INTO pay VALUES (1, 'Ann', 10)", "INSERT INTO heir VALUES (2, 'Bo', 20, 'own')")
    restores, told = Restores(pay), list[Event]()
    kept = restores.back_up("pay", told.append)
    placed = "without columns of their own; rows that {} go into pay itself, unless a trigger puts them elsewhere"
    (written,) = (event for event in told if isinstance(event, BackupWritten))
    notes = (f"the backup also contains the rows of heir, {placed.format('a restore adds')}",)
    assert (kept.rows, written.notes) == (2, notes)
    pay.execute("UPDATE heir SET age = 0")
    assert restores.restore(kept).tables[0].notes == []
    assert pay.count("heir WHERE note = 'own' AND age = 20") == 1
    pay.execute("DELETE FROM heir")
    note = f"backups also contain the rows of heir, {placed.format('are added')}"
    assert restores.restore(kept).tables[0].notes == [note]
    assert (pay.count("heir"), pay.count("ONLY pay")) == (0, 2)


def test_rows_that_a_policy_hides_are_not_taken_for_surplus(owned: Tables) -> None:
    """Neither by a restore of their table, nor by one of a table that they refer to."""
    restores = Restores(owned.with_parents())
    owned.put("hired_employees.csv", "1,Ann,2021-07-01T10:00:00Z,1,1\n")
    kept = {name: restores.keep(name) for name in ("departments", "hired_employees")}
    owned.execute("INSERT INTO departments VALUES (9, 'Ninth')", "UPDATE hired_employees SET department_id = 9")
    for statement in ("ENABLE ROW LEVEL SECURITY", "FORCE ROW LEVEL SECURITY"):
        owned.execute(f"ALTER TABLE hired_employees {statement}")
    owned.execute("CREATE POLICY few ON hired_employees USING (id > 5) WITH CHECK (true)")
    for source in kept.values():
        with pytest.raises(RightMissing, match="row-level security"):
            restores.restore(source)
    assert owned.count("departments") == 4


def test_a_view_does_not_hide_that_a_policy_hides_rows(owned: Tables) -> None:
    owned.with_parents().execute(
        "ALTER TABLE departments RENAME TO behind",
        "ALTER TABLE behind ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE behind FORCE ROW LEVEL SECURITY",
        "CREATE POLICY few ON behind USING (id < 3)",
        "CREATE VIEW departments AS SELECT * FROM behind",
    )
    with pytest.raises(RightMissing, match="row-level security"):
        Restores(owned).back_up("departments")
