"""Triggers that change, drop or divert rows: a restore makes the table what it was, or says who keeps it from that."""

from pathlib import Path

import pytest

from batching import Batches
from database_rules import MODELS, OF_BOTH, rule_of
from loading import Tables, counts
from owning import ServiceOf
from restoring import Restores, counts as restored
from rowferry.errors import DatabaseRefused, TableAltered
from speaking import only_postgresql, only_sqlite, sql_of


@pytest.fixture
def tables(service_of: ServiceOf, tmp_path: Path) -> Tables:
    """The table `pay` with ten rows."""
    found = Tables(service_of(MODELS), tmp_path)
    found.put("pay.csv", pay(range(1, 11)))
    return found


def pay(numbers: range) -> str:
    return "".join(f"{number},Good {number},{number}\n" for number in numbers)


def act(tables: Tables, when: str, body: str, table: str = "pay", returned: str = "new") -> None:
    """Let a trigger `acts` run a statement at each row."""
    tables.execute(*sql_of(tables.service.backend.engine).trigger("acts", when, table, body, returned))


def drop(tables: Tables, when: str) -> None:
    """Let a trigger `acts` leave out every row."""
    tables.execute(*sql_of(tables.service.backend.engine).leaving_out("acts", when, "pay"))


def shout(tables: Tables, event: str) -> None:
    """Let a trigger `acts` write names in capitals."""
    tables.execute(*sql_of(tables.service.backend.engine).changing("acts", event, "pay", "name", "upper(name)"))


def test_a_restore_whose_rows_a_trigger_changes(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("DELETE FROM pay WHERE id = 5")
    shout(tables, "INSERT")
    before = tables.everything()
    with pytest.raises(TableAltered, match=r"1 row would differ, such as id 5 \(by name\)") as caught:
        restores.restore(kept)
    assert "(acts)" in caught.value.advice
    assert tables.everything() == before


def test_a_restore_whose_changes_a_trigger_changes(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("UPDATE pay SET amount = 0 WHERE id > 8")
    shout(tables, "UPDATE OF amount")
    with pytest.raises(TableAltered, match=r"2 rows would differ, such as id 9 \(by name\)"):
        restores.restore(kept)


def test_a_restore_whose_rows_a_trigger_keeps(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.put("pay.csv", pay(range(11, 13)))
    drop(tables, "BEFORE DELETE")
    with pytest.raises(TableAltered, match="2 rows more would be in the table, such as id 11"):
        restores.restore(kept)
    assert tables.count("pay") == 12


def test_a_restore_beside_which_a_trigger_adds_rows(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("DELETE FROM pay WHERE id = 5")
    insert = "INSERT INTO pay SELECT 50, 'New', 50 WHERE new.id = 5"
    act(tables, "AFTER INSERT", insert)
    with pytest.raises(TableAltered, match="1 row more would be in the table, such as id 50"):
        restores.restore(kept)


def test_a_restore_with_a_trigger_that_does_no_harm(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("CREATE TABLE audits (id INTEGER)")
    tables.execute("DELETE FROM pay WHERE id > 5")
    tables.put("pay.csv", "20,Surplus,1\n")
    insert = "INSERT INTO audits VALUES (new.id)"
    act(tables, "AFTER INSERT", insert)
    assert restored(restores.restore(kept)) == (5, 0, 1, 5, 0)
    assert tables.count("audits") == 5


@pytest.mark.parametrize("name", OF_BOTH)
def test_a_row_of_a_backup_that_breaks_a_rule_of_the_database(tables: Tables, name: str) -> None:
    rule = rule_of(tables.service, name)
    tables.execute("DELETE FROM pay")
    tables.put("pay.csv", rule.rows(20, [7]))
    restores = Restores(tables)
    kept = restores.keep("pay")
    for statement in rule.statements():
        tables.execute(statement)
    receipt = restores.restore(kept)
    assert receipt.status == "refused"
    (found,) = receipt.obstacles
    assert (found.kind, found.rows) == ("rules_broken", 1)
    assert f"({rule.code}: 1)" in found.message
    assert [example["row_number"] for example in found.examples] == [7]
    assert tables.count("pay") == 0
    assert restored(restores.restore(kept, partial=True)) == (19, 0, 0, 0, 1)
    assert tables.count("pay") == 19
    assert tables.codes(restores.history()[0]["restore_id"]) == [(7, [rule.code])]


def test_a_load_whose_rows_a_trigger_changes(tables: Tables) -> None:
    shout(tables, "INSERT")
    assert counts(tables.put("pay.csv", pay(range(20, 23)))) == (3, 3, 0, 0, 0)
    assert counts(tables.put("pay.csv", pay(range(20, 23)))) == (3, 0, 0, 0, 3)
    assert "with a different name" in tables.rejects()[0]["errors"][0]["message"]
    assert counts(tables.put("pay.csv", "20,GOOD 20,20\n")) == (1, 0, 0, 1, 0)
    assert Batches(tables).put({"pay": [{"id": 30, "name": "Good", "amount": 1}]}).inserted == {"pay": 1}
    assert [name for number, name, _ in tables.rows("pay") if number >= 20] == ["GOOD 20", "GOOD 21", "GOOD 22", "GOOD"]


def test_updates_that_a_trigger_drops(tables: Tables) -> None:
    drop(tables, "BEFORE UPDATE")
    content = pay(range(1, 11)).replace("Good 3", "Better 3")
    assert counts(tables.put("pay.csv", content, on_conflict="update")) == (10, 0, 0, 9, 1)
    (reject,) = tables.rejects()
    assert (reject["row_number"], reject["errors"][0]["code"]) == (3, "database.acts")
    receipt = Batches(tables).put({"pay": [{"id": 3, "name": "Better", "amount": 3}]}, on_conflict="update")
    assert [error["code"] for error in receipt.rejected[0].errors] == ["database.acts"]


@only_postgresql
def test_rows_that_a_trigger_puts_into_an_heir_are_in(tables: Tables) -> None:
    tables.execute("CREATE TABLE heir (CHECK (id >= 20)) INHERITS (pay)")
    act(tables, "BEFORE INSERT", "INSERT INTO heir VALUES (NEW.*)", returned="null")
    assert counts(tables.put("pay.csv", pay(range(20, 25)))) == (5, 5, 0, 0, 0)
    assert Batches(tables).put({"pay": [{"id": 30, "name": "Good", "amount": 1}]}).inserted == {"pay": 1}
    assert (tables.count("heir"), tables.count("pay")) == (6, 16)


def test_a_view_that_puts_rows_elsewhere(tables: Tables) -> None:
    tables.execute("ALTER TABLE slips RENAME TO old_slips")
    tables.execute("CREATE TABLE papers (no INTEGER PRIMARY KEY, pay INTEGER)")
    tables.execute("CREATE VIEW slips AS SELECT no AS id, pay AS pay_id FROM papers")
    insert = "INSERT INTO papers SELECT new.id, new.pay_id WHERE new.id <> 2"
    act(tables, "INSTEAD OF INSERT", insert, "slips", returned="null")
    assert counts(tables.put("slips.csv", "1,1\n2,1\n3,1\n")) == (3, 2, 0, 0, 1)
    assert tables.codes() == [(2, ["database.acts"])]
    assert tables.count("papers") == 2


@only_sqlite
def test_a_trigger_that_undoes_all(tables: Tables) -> None:
    tables.execute("CREATE TRIGGER acts BEFORE INSERT ON pay BEGIN SELECT RAISE(ROLLBACK, 'not today'); END")
    error = tables.fail(DatabaseRefused, tables.write("pay.csv", pay(range(20, 23))))
    assert "not today" in error.message
    with pytest.raises(DatabaseRefused, match="not today"):
        Batches(tables).put({"pay": [{"id": 30, "name": "Good", "amount": 1}]})


@only_postgresql
def test_a_trigger_that_fails_for_no_row(tables: Tables) -> None:
    tables.execute(
        "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$",
        "CREATE TRIGGER acts BEFORE INSERT ON pay FOR EACH STATEMENT EXECUTE FUNCTION act()",
    )
    error = tables.fail(DatabaseRefused, tables.write("pay.csv", pay(range(20, 23))))
    assert "not today" in error.message
    (row,) = Batches(tables).put({"pay": [{"id": 30, "name": "Good", "amount": 1}]}).rejected
    assert [error["code"] for error in row.errors] == ["database.acts"]


@only_postgresql
def test_rules_act_whatever_the_way(tables: Tables) -> None:
    """COPY passes rules by, INSERT does not."""
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("CREATE TABLE audits (id INTEGER)")
    tables.execute("CREATE RULE notes AS ON INSERT TO pay DO ALSO INSERT INTO audits VALUES (NEW.id)")
    tables.put("pay.csv", pay(range(20, 22)))
    assert Batches(tables).put({"pay": [{"id": 30, "name": "Good", "amount": 1}]}).inserted == {"pay": 1}
    assert Batches(tables).put({"pay": [{"id": at} for at in range(50, 200)]}).inserted == {"pay": 150}
    tables.execute("DELETE FROM pay WHERE id = 3 OR id > 10")
    assert restored(restores.restore(kept)) == (1, 0, 0, 9, 0)
    with tables.service.backend.engine.connect() as connection:
        noted = connection.exec_driver_sql("SELECT id FROM audits ORDER BY id").scalars().all()
    assert noted == [3, 20, 21, 30, *range(50, 200)]


@only_postgresql
def test_rules_divert_whatever_the_way(tables: Tables) -> None:
    restores = Restores(tables)
    kept = restores.keep("pay")
    tables.execute("CREATE TABLE heir (CHECK (id >= 20)) INHERITS (pay)")
    tables.execute(
        "CREATE RULE elsewhere AS ON INSERT TO pay WHERE NEW.id >= 20 DO INSTEAD INSERT INTO heir VALUES (NEW.*)"
    )
    assert counts(tables.put("pay.csv", pay(range(19, 22)))) == (3, 3, 0, 0, 0)
    assert Batches(tables).put({"pay": [{"id": at} for at in (18, 30)]}).inserted == {"pay": 2}
    assert (tables.count("heir"), tables.count("pay")) == (3, 15)
    assert restored(restores.restore(kept)) == (0, 0, 5, 10, 0)
