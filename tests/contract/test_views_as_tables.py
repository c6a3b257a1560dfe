"""Views, and what else stands where a class expects a table: it is served as far as the database lets rows in."""

from pathlib import Path

import pytest

from batching import Batches
from database_rules import MODELS
from loading import Tables, counts
from owning import ServiceOf
from restoring import Restores, counts as restored
from rowferry.errors import NotWritable
from speaking import only_postgresql

_BASE = "CREATE TABLE base (id INTEGER PRIMARY KEY, name VARCHAR(255), amount INTEGER)"


@pytest.fixture
def tables(service_of: ServiceOf, tmp_path: Path) -> Tables:
    """No table `pay`, whose rows are in `base`."""
    found = Tables(service_of(MODELS), tmp_path)
    found.execute("DROP TABLE slips", "DROP TABLE pay", _BASE, "INSERT INTO base VALUES (1, 'Ann', 10), (2, 'Bo', 20)")
    return found


@pytest.mark.parametrize(
    "view",
    [
        "SELECT b.* FROM base b JOIN base c ON b.id = c.id",
        "SELECT id, name, amount + 0 AS amount FROM base",
    ],
)
def test_a_view_that_takes_no_rows_is_read_and_says_so(tables: Tables, view: str) -> None:
    tables.execute(f"CREATE VIEW pay AS {view}")
    restores = Restores(tables)
    kept = restores.back_up("pay")
    tables.execute("DELETE FROM base WHERE id = 2")
    require_not_writable(tables)
    with pytest.raises(NotWritable):
        restores.restore(kept)


@only_postgresql
def test_a_materialized_view_is_read_and_takes_no_rows(tables: Tables) -> None:
    tables.execute("CREATE MATERIALIZED VIEW pay AS SELECT * FROM base")
    assert Restores(tables).back_up("pay").rows == 2
    require_not_writable(tables)


@only_postgresql
def test_a_foreign_table_is_not_loaded_since_it_cannot_be_locked(tables: Tables) -> None:
    tables.execute("CREATE FOREIGN DATA WRAPPER others", "CREATE SERVER theirs FOREIGN DATA WRAPPER others")
    tables.execute("CREATE FOREIGN TABLE pay (id integer, name varchar(255), amount integer) SERVER theirs")
    with pytest.raises(NotWritable, match="cannot lock relation"):
        tables.put("pay.csv", "3,Cy,30\n")


def require_not_writable(tables: Tables) -> None:
    """Loads and batches say that rows can be written elsewhere, and reject none of them."""
    with pytest.raises(NotWritable) as caught:
        tables.put("pay.csv", "3,Cy,30\n")
    assert "INSTEAD OF triggers" in caught.value.advice
    with pytest.raises(NotWritable):
        Batches(tables).put({"pay": [{"id": 3, "name": "Cy", "amount": 30}]})


@only_postgresql
@pytest.mark.parametrize("rows", [1, 2_000])
def test_a_view_that_the_database_can_write_to_is_a_table(tables: Tables, rows: int) -> None:
    tables.execute("CREATE VIEW pay AS SELECT * FROM base WHERE amount > 5 WITH CHECK OPTION")
    content = "".join(f"{number},New,30\n" for number in range(3, rows + 3))
    assert counts(tables.put("pay.csv", f"2,Bob,20\n9000,Low,1\n{content}", on_conflict="update"))[1:] == (
        rows,
        1,
        0,
        1,
    )
    assert tables.codes() == [(2, ["database.check_option"])]
    restores = Restores(tables)
    kept = restores.back_up("pay")
    tables.execute("DELETE FROM base WHERE id = 1", "UPDATE base SET name = 'B' WHERE id = 2")
    tables.execute("INSERT INTO base VALUES (9001, 'Surplus', 9), (9002, 'Hidden', 1)")
    assert restored(restores.restore(kept)) == (1, 1, 1, rows, 0)
    assert tables.count("base WHERE name = 'Hidden'") == 1
