"""Rules that only the database knows: each row that breaks one is found, rejected by its name, and kept."""

from pathlib import Path

import pytest

from batching import Batches, codes as batch_codes
from database_rules import EVERY, MODELS, OF_BOTH, Rule, rule_of
from loading import Tables, counts
from owning import ServiceOf
from rowferry.errors import RejectsExceeded, TooManyRefused
from rowferry.operations import full_bulk_insert
from speaking import only_postgresql

Ruled = tuple[Tables, Rule]

MANY = 12_000

every_rule = pytest.mark.parametrize(("new_database", "name"), EVERY, indirect=["new_database"])
of_both = pytest.mark.parametrize("name", OF_BOTH)


@pytest.fixture
def ruled(service_of: ServiceOf, tmp_path: Path, name: str) -> Ruled:
    """The table `pay` with a rule."""
    tables = Tables(service_of(MODELS), tmp_path)
    rule = rule_of(tables.service, name)
    for statement in rule.statements():
        tables.execute(statement)
    return tables, rule


@pytest.fixture
def bulky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every load takes the way of large ones."""
    monkeypatch.setattr(full_bulk_insert, "_BULK_BYTES", 1)


def require_rejected(tables: Tables, rule: Rule, bad: list[int]) -> None:
    assert tables.codes() == [(number, [rule.code]) for number in bad]
    for reject in tables.rejects():
        (error,) = reject["errors"]
        assert reject["raw"] == rule.row(reject["row_number"], bad=True).strip()
        assert error["column"] == rule.column
        assert error["message"].startswith("the database refuses the row: ")
        assert rule.message in error["message"]


@every_rule
def test_a_few_rows(ruled: Ruled) -> None:
    tables, rule = ruled
    bad = [3, 50, 100]
    receipt = tables.put("pay.csv", rule.rows(100, bad))
    assert counts(receipt) == (100, 97, 0, 0, 3)
    assert receipt.tables[0].rejected_by_code == {rule.code: 3}
    assert tables.count("pay") == 97
    require_rejected(tables, rule, bad)


@every_rule
def test_a_dry_run_tells_of_types_only(ruled: Ruled, name: str) -> None:
    tables, rule = ruled
    path = tables.write("pay.csv", rule.rows(100, [3, 50, 100]))
    rejected = 3 if name in ("varchar", "enumeration", "domain") else 0
    receipt = tables.load(path, dry_run=True)
    assert counts(receipt) == (100, 100 - rejected, 0, 0, rejected)
    assert receipt.tables[0].rejected_by_code == ({rule.code: 3} if rejected else {})
    assert tables.count("pay") == 0


@pytest.mark.usefixtures("bulky")
@every_rule
def test_a_single_row_by_the_way_of_many(ruled: Ruled) -> None:
    tables, rule = ruled
    assert counts(tables.put("pay.csv", rule.rows(2, [2]))) == (2, 1, 0, 0, 1)
    require_rejected(tables, rule, [2])


@pytest.mark.usefixtures("bulky")
@of_both
def test_many_rows(ruled: Ruled) -> None:
    tables, rule = ruled
    bad = [2, 7_000, MANY]
    assert counts(tables.put("pay.csv", rule.rows(MANY, bad))) == (MANY, MANY - 3, 0, 0, 3)
    require_rejected(tables, rule, bad)


@every_rule
def test_a_batch(ruled: Ruled) -> None:
    tables, rule = ruled
    receipt = Batches(tables).put({"pay": [rule.fields(number, bad=number in (2, 5)) for number in range(1, 8)]})
    assert batch_codes(receipt) == [("pay", at, [(rule.column, rule.code)]) for at in (1, 4)]
    assert receipt.inserted == {"pay": 5}
    assert tables.count("pay") == 5
    (alone,) = Batches(tables).put({"pay": [rule.fields(20, bad=True)]}).rejected
    assert [error["code"] for error in alone.errors] == [rule.code]


@pytest.mark.parametrize("name", ["check", "foreign_key"])
def test_what_refers_to_a_refused_row_is_rejected_too(ruled: Ruled) -> None:
    tables, rule = ruled
    pay = tables.write("pay.csv", rule.rows(5, [3]))
    slips = tables.write("slips.csv", "1,1\n2,3\n3,5\n")
    receipt = tables.load(pay, slips)
    assert [(table.inserted, table.rejected_by_code) for table in receipt.tables] == [
        (4, {rule.code: 1}),
        (2, {"reference.missing": 1}),
    ]
    rows = {"pay": [rule.fields(number, bad=number == 13) for number in (11, 13)]}
    batch = Batches(tables).put(rows | {"slips": [{"id": 11, "pay_id": 11}, {"id": 12, "pay_id": 13}]})
    assert [code for *_, ((_, code),) in batch_codes(batch)] == [rule.code, "reference.missing"]


@pytest.mark.parametrize("name", ["check", "trigger_leaves_out"])
def test_the_key_of_a_refused_row_is_free_for_the_next(ruled: Ruled) -> None:
    tables, rule = ruled
    receipt = tables.put("pay.csv", rule.row(1) + rule.row(2, bad=True) + rule.row(2) + rule.row(3))
    assert counts(receipt) == (4, 3, 0, 0, 1)
    assert tables.codes() == [(2, [rule.code])]


@of_both
def test_rejected_rows_are_loaded_once_they_are_corrected(ruled: Ruled) -> None:
    tables, rule = ruled
    tables.put("pay.csv", rule.rows(6, [2, 4]))
    corrected = "".join(rule.row(reject["row_number"]) for reject in tables.rejects())
    assert counts(tables.put("pay.csv", corrected)) == (2, 2, 0, 0, 0)
    assert counts(tables.put("pay.csv", rule.rows(6))) == (6, 0, 0, 6, 0)


@of_both
@pytest.mark.usefixtures("bulky", "few_refused")
def test_too_many_rows(ruled: Ruled) -> None:
    tables, rule = ruled
    error = tables.fail(TooManyRefused, tables.write("pay.csv", rule.rows(40, range(2, 40))))
    assert "more than 10 rows of pay, such as row 2" in error.message
    assert rule.code.partition(".")[2] in error.advice


@pytest.mark.parametrize("name", ["check", "not_null", "foreign_key", "unique_expression"])
def test_an_update(ruled: Ruled) -> None:
    tables, rule = ruled
    tables.put("pay.csv", rule.rows(9).replace(",9\n", ",90\n"))
    content = rule.rows(9, [3])
    assert counts(tables.put("pay.csv", content, on_conflict="update")) == (9, 0, 1, 7, 1)
    require_rejected(tables, rule, [3])
    rows = [rule.fields(number, bad=number == 3) for number in (2, 3, 8)]
    rows[2]["amount"] = 80
    batch = Batches(tables).put({"pay": rows}, on_conflict="update")
    assert (batch.updated, batch.unchanged) == ({"pay": 1}, {"pay": 1})
    assert [code for *_, ((_, code),) in batch_codes(batch)] == [rule.code]


@pytest.mark.parametrize("name", ["check"])
def test_limits_hold_for_refused_rows(ruled: Ruled) -> None:
    tables, rule = ruled
    path = tables.write("pay.csv", rule.rows(9, [3, 4]))
    assert counts(tables.load(path, max_rejects="2")) == (9, 7, 0, 0, 2)
    rows = [rule.fields(number, bad=number == 13) for number in (12, 13)]
    batch = Batches(tables).put({"pay": rows}, all_or_nothing=True)
    assert batch.status == "refused"
    assert [row.index for row in batch.rejected] == [1]
    tables.fail(RejectsExceeded, tables.write("pay.csv", rule.rows(19, [13])), all_or_nothing=True)
    assert tables.codes() == [(13, [rule.code])]


@only_postgresql
@pytest.mark.parametrize("kind", ["", " AS RESTRICTIVE"])
def test_rows_that_a_policy_forbids(owned: Tables, kind: str) -> None:
    for statement in (
        "ALTER TABLE departments ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE departments FORCE ROW LEVEL SECURITY",
        "CREATE POLICY everybody ON departments USING (true) WITH CHECK (true)" if kind else "SELECT 1",
        f"CREATE POLICY few ON departments{kind} USING (true) WITH CHECK (id < 3)",
    ):
        owned.execute(statement)
    code = "database.few" if kind else "database.row_level_security"
    assert counts(owned.put("departments.csv", "1,Sales\n5,Legal\n")) == (2, 1, 0, 0, 1)
    assert owned.codes() == [(2, [code])]
    receipt = Batches(owned).put({"departments": [{"id": 2, "department": "Art"}, {"id": 9, "department": "Law"}]})
    assert [error["code"] for row in receipt.rejected for error in row.errors] == [code]


_TOO_WIDE = (
    "(CASE WHEN department = 'Wide' THEN (SELECT string_agg(md5(at::text), '') FROM generate_series(1, {}) at) END)"
)


@only_postgresql
@pytest.mark.parametrize(("numbers", "code"), [(100, "database.wide"), (300, "database.limit")])
def test_a_row_that_is_too_large_for_an_index(owned: Tables, numbers: int, code: str) -> None:
    """PostgreSQL says it with an error that Python takes for that of a server which is away."""
    body = _TOO_WIDE.format(numbers)
    owned.execute(
        f"CREATE FUNCTION widened(department text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT {body} $$",
        "CREATE INDEX wide ON departments (widened(department))",
    )
    assert counts(owned.put("departments.csv", "1,Sales\n2,Wide\n3,Legal\n")) == (3, 2, 0, 0, 1)
    assert owned.codes() == [(2, [code])]
    receipt = Batches(owned).put({"departments": [{"id": 4, "department": "Art"}, {"id": 9, "department": "Wide"}]})
    assert [error["code"] for row in receipt.rejected for error in row.errors] == [code]
