"""Rows that refer to rows of their own table, or of tables that refer back, wherever these stand."""

import random
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import reference_oracle as oracle
from batching import Batches, codes
from conftest import owning_as_plain
from loading import Tables, counts, lines
from made_up import made_up
from owning import HEAD, ServiceOf
from restoring import Restores, counts as restored
from rowferry.errors import ModelsUnusable
from speaking import only_postgresql

KEY = 'Column("id", Integer, primary_key=True, autoincrement=False)'

FIRM = HEAD + (
    f'staff = Table("staff", metadata, {KEY}, Column("boss", Integer, ForeignKey("staff.id")),\n'
    '    Column("wage", Integer))\n'
    'pairs = Table("pairs", metadata, *[Column(name, Integer, primary_key=True, autoincrement=False)\n'
    '    for name in "ab"],\n'
    '    Column("next_a", Integer), Column("next_b", Integer),\n'
    '    ForeignKeyConstraint(["next_b", "next_a"], ["pairs.b", "pairs.a"]))\n'
    f'departments = Table("departments", metadata, {KEY},\n'
    '    Column("head", Integer, ForeignKey("employees.id", name="led", use_alter=True)))\n'
    f'employees = Table("employees", metadata, {KEY},\n'
    '    Column("department", Integer, ForeignKey("departments.id"), nullable=False))\n'
    'badges = Table("badges", metadata, Column("id", Integer, ForeignKey("employees.id"), primary_key=True))\n'
)

DEFINED = {
    "staff": oracle.Definition((0,), (((1,), "staff"),)),
    "pairs": oracle.Definition((0, 1), (((2, 3), "pairs"),)),
    "departments": oracle.Definition((0,), (((1,), "employees"),)),
    "employees": oracle.Definition((0,), (((1,), "departments"),)),
    "badges": oracle.Definition((0,), (((0,), "employees"),)),
}

ids = st.integers(1, 4)
others = st.none() | st.integers(1, 5)
SHAPES: dict[str, st.SearchStrategy[oracle.Row]] = {
    "staff": st.tuples(ids, others, st.sampled_from([None, None, 1])),
    "pairs": st.tuples(st.integers(1, 2), st.integers(1, 2), st.none() | st.integers(1, 2), st.integers(1, 2)),
    "departments": st.tuples(ids, others),
    "employees": st.tuples(ids, st.integers(1, 5)),
    "badges": st.tuples(ids),
}
given_rows = st.fixed_dictionaries({name: st.lists(rows, max_size=6) for name, rows in SHAPES.items()})


@pytest.fixture
def firm(service_of: ServiceOf, tmp_path: Path) -> Tables:
    return Tables(service_of(FIRM), tmp_path)


def clear(firm: Tables) -> None:
    firm.execute("UPDATE staff SET boss = NULL")
    firm.execute("UPDATE departments SET head = NULL")
    firm.execute("UPDATE pairs SET next_a = NULL")
    for table in ("badges", "employees", "departments", "staff", "pairs"):
        firm.execute(f"DELETE FROM {table}")


def csv(rows: Sequence[Sequence[object]]) -> str:
    return lines(["" if value is None else value for value in row] for row in rows)


def load(firm: Tables, rows: dict[str, list[oracle.Row]], on_conflict: str) -> dict[str, dict[int, str]]:
    paths = [firm.write(f"{table}.csv", csv(found)) for table, found in rows.items()]
    firm.load(*paths, header="no", on_conflict=on_conflict)
    found: dict[str, dict[int, str]] = {table: {} for table in rows}
    for reject in firm.rejects():
        (error,) = reject["errors"]
        found[reject["table"]][reject["row_number"]] = error["code"]
    return found


def send(firm: Tables, rows: dict[str, list[oracle.Row]], on_conflict: str) -> dict[str, dict[int, str]]:
    names = {table: firm.service.catalog.table(table).names for table in rows}
    body = {table: [dict(zip(names[table], row, strict=True)) for row in found] for table, found in rows.items()}
    found: dict[str, dict[int, str]] = {table: {} for table in rows}
    if any(body.values()):
        for table, index, ((_, code),) in codes(Batches(firm).put(body, on_conflict=on_conflict)):
            found[table][index + 1] = code
    return found


@made_up(12)
@given(first=given_rows, second=given_rows, by_batch=st.booleans(), update=st.booleans())
def test_any_rows_are_judged_as_by_the_oracle(
    firm: Tables,
    first: dict[str, list[oracle.Row]],
    second: dict[str, list[oracle.Row]],
    by_batch: bool,
    update: bool,
) -> None:
    clear(firm)
    ways = [load, send] if by_batch else [send, load]
    before: dict[str, oracle.Rows] = {table: {} for table in DEFINED}
    for way, rows in zip(ways, (first, second), strict=True):
        expected = oracle.judge(DEFINED, before, rows, update=update)
        assert way(firm, rows, "update" if update else "reject") == expected.rejected
        assert firm.everything() == {table: sorted(found.values()) for table, found in expected.rows.items()}
        before = expected.rows


def test_what_is_told_and_a_key_that_is_left_to_the_next(firm: Tables) -> None:
    rows = "1,2,\n2,1,\n3,9,\n3,1,\n3,2,\n4,3,\n5,6,x\n6,5,\n7,5,\n"
    assert counts(firm.put("staff.csv", rows)) == (9, 4, 0, 0, 5)
    told = {row["row_number"]: [e["message"] for e in row["errors"]] for row in firm.rejects()}
    assert told == {
        3: ["boss 9 is not in staff"],
        5: ["id 3 was taken by row 4"],
        7: ["boss 6 is not in staff", "wage must be an integer, not 'x'"],
        8: ["boss 5 is not in staff"],
        9: ["boss 5 is not in staff"],
    }
    assert counts(firm.put("staff.csv", rows)) == (9, 0, 0, 4, 5), "the same again"
    dry = firm.put("staff.csv", "8,9,\n9,8,\n10,11,\n", dry_run=True)
    assert counts(dry) == (3, 2, 0, 0, 1)
    assert firm.count("staff") == 4


@pytest.mark.parametrize("by_owner", [False, True])
def test_many_rows_in_any_order(firm: Tables, by_owner: bool) -> None:
    """On PostgreSQL, a superuser spares the triggers of foreign keys, while an owner may drop and add these."""
    with owning_as_plain(firm) if by_owner else nullcontext():
        chance = random.Random(5)
        rows: list[list[Any]] = [[at, chance.randrange(20_000), 10**9] for at in range(20_000)]
        rows += [[at, at + 1, 10**9] for at in range(60_000, 60_500)]  # a chain that ends nowhere
        chance.shuffle(rows)
        departments = firm.write("departments.csv", csv([[at, 20_000 - at] for at in range(1, 9)]))
        employees = firm.write("employees.csv", csv([[at, at % 9] for at in range(40_000)]))
        assert counts(firm.load(firm.write("staff.csv", csv(rows)))) == (20_500, 20_000, 0, 0, 500)
        # There is no department 0, so no employee 19,998, so no department 2.
        found = counts(firm.load(departments, employees))
        assert found == (40_008, 31_117, 0, 0, 8_891)
        more = [[at, 49_999 - at, None] for at in range(20_000, 30_000)]
        more += [[at, at, 10**9] for at in range(40_000, 50_000)]
        assert counts(firm.put("staff.csv", csv(more))) == (20_000, 20_000, 0, 0, 0)
        changed = [[at, at + 60_000 if at % 2 else 1, 7] for at in range(0, 30_000, 3)]
        new = [[at + 60_000, at, 7] for at in range(0, 30_000, 3)]
        assert counts(firm.put("staff.csv", csv(changed + new), on_conflict="update")) == (20_000, 10_000, 10_000, 0, 0)


def test_circles_are_backed_up_and_restored_by_table_or_together(firm: Tables) -> None:
    rows: dict[str, list[oracle.Row]] = {
        "departments": [(1, 1), (2, 3)],
        "employees": [(1, 2), (2, 1), (3, 1)],
        "staff": [(1, 2, None), (2, 1, None)],
    }
    assert load(firm, rows, "reject") == {name: {} for name in rows}
    before, restores = firm.everything(), Restores(firm)
    departments, employees, staff = map(restores.back_up, ("departments", "employees", "staff"))
    firm.execute("INSERT INTO departments VALUES (8, NULL)")
    firm.execute("INSERT INTO employees VALUES (8, 8), (9, 8)")
    firm.execute("UPDATE departments SET head = 8 WHERE id = 8")
    firm.execute("UPDATE departments SET head = 9 WHERE id = 1")
    firm.execute("INSERT INTO staff VALUES (8, 1, NULL)")
    firm.execute("UPDATE staff SET boss = 8 WHERE id = 1")
    assert [obstacle.kind for obstacle in restores.restore(employees).obstacles] == ["referred_to"]
    assert [obstacle.kind for obstacle in restores.restore(departments).obstacles] == ["referred_to"]
    assert restored(restores.rehearse(departments, employees)) == (0, 1, 3, 4, 0)
    assert restored(restores.restore(departments, employees)) == (0, 1, 3, 4, 0)
    assert restored(restores.restore(staff)) == (0, 1, 1, 1, 0)
    assert firm.everything() == before
    clear(firm)
    (obstacle,) = restores.restore(employees).obstacles
    assert obstacle.kind == "parents_missing"
    assert restored(restores.restore(employees, departments)) == (5, 0, 0, 0, 0)
    assert restored(restores.restore(staff)) == (2, 0, 0, 0, 0)
    assert firm.everything() == before


def test_surplus_rows_that_go_along_with_each_other(service_of: ServiceOf, tmp_path: Path) -> None:
    parent = 'Column("parent", Integer, ForeignKey("nodes.id", ondelete="CASCADE"))'
    tree = Tables(service_of(HEAD + f'nodes = Table("nodes", metadata, {KEY}, {parent})\n'), tmp_path)
    restores = Restores(tree)
    kept = restores.keep("nodes", [(5, None)])
    tree.execute("INSERT INTO nodes VALUES (5, NULL)", "INSERT INTO nodes VALUES (1, 5), (2, 1), (3, 2)")
    assert restored(restores.restore(kept)) == (0, 0, 3, 1, 0)


def test_rows_that_leave_columns_out_refer_to_those_that_do_not(firm: Tables) -> None:
    rows = [
        {"id": 1, "boss": 2},
        {"id": 2},
        {"id": 3, "boss": 1, "wage": 5},
        {"id": 4, "boss": 9},
        {"id": 2, "wage": 1},
    ]
    found = codes(Batches(firm).put({"staff": rows}))
    assert found == [("staff", 3, [("boss", "reference.missing")]), ("staff", 4, [("id", "key.duplicate")])]
    assert firm.rows("staff") == [(1, 2, None), (2, None, None), (3, 1, 5)]
    Batches(firm).put({"staff": [{"id": 2, "boss": 4}, {"id": 4, "wage": 7}]}, on_conflict="update")
    assert firm.rows("staff") == [(1, 2, None), (2, 4, None), (3, 1, 5), (4, None, 7)]


HARD = HEAD + (
    f'eggs = Table("eggs", metadata, {KEY}, Column("hen", Integer, ForeignKey("hens.id", name="laid", use_alter=True,\n'
    "    deferrable=DEFERRABLE), nullable=False))\n"
    f'hens = Table("hens", metadata, {KEY}, Column("egg", Integer, ForeignKey("eggs.id"), nullable=False))\n'
)


def test_what_could_never_have_a_first_row_is_refused(service_of: ServiceOf) -> None:
    with pytest.raises(ModelsUnusable, match="in a circle, eggs, hens, by columns that are never null"):
        service_of(HARD.replace("DEFERRABLE", "None"))


def test_columns_that_are_never_null_may_be_deferrable(service_of: ServiceOf, tmp_path: Path) -> None:
    farm = Tables(service_of(HARD.replace("DEFERRABLE", "True")), tmp_path)
    eggs, hens = farm.write("eggs.csv", "1,1\n2,3\n3,9\n"), farm.write("hens.csv", "1,2\n3,1\n4,3\n")
    assert counts(farm.load(eggs, hens)) == (6, 4, 0, 0, 2)
    receipt = Batches(farm).put({"hens": [{"id": 7, "egg": 7}], "eggs": [{"id": 7, "hen": 7}, {"id": 8, "hen": 8}]})
    assert codes(receipt) == [("eggs", 1, [("hen", "reference.missing")])]
    restores = Restores(farm)
    sources = [restores.back_up(name) for name in ("eggs", "hens")]
    farm.put("hens.csv", "5,1\n")
    farm.put("eggs.csv", "5,5\n")
    assert restored(restores.restore(*sources)) == (0, 0, 2, 6, 0)


def test_refused_rows_are_found_where_references_are_deferred(service_of: ServiceOf, tmp_path: Path) -> None:
    farm = Tables(service_of(HARD.replace("DEFERRABLE", "True")), tmp_path)
    farm.execute("CREATE UNIQUE INDEX few ON hens (egg) WHERE egg > 10")
    eggs, hens = farm.write("eggs.csv", "1,1\n11,3\n12,1\n"), farm.write("hens.csv", "1,1\n3,11\n4,11\n")
    assert counts(farm.load(eggs, hens)) == (6, 5, 0, 0, 1)
    assert farm.codes() == [(3, ["database.few"])]
    rows = {"eggs": [{"id": 7, "hen": 7}], "hens": [{"id": 7, "egg": 7}, {"id": 8, "egg": 11}]}
    ((table, index, ((_, code),)),) = codes(Batches(farm).put(rows))
    assert (table, index, code) == ("hens", 1, "database.few")


@only_postgresql
def test_rows_whose_key_the_database_generates_change_what_they_refer_to(service_of: ServiceOf, tmp_path: Path) -> None:
    key = 'Column("id", Integer, Identity(always=True), primary_key=True)'
    source = f'nodes = Table("nodes", metadata, {key}, Column("parent", Integer, ForeignKey("nodes.id")))\n'
    tree = Tables(service_of(HEAD + source), tmp_path)
    tree.execute("INSERT INTO nodes (parent) VALUES (1), (1)")
    restores = Restores(tree)
    kept = restores.keep("nodes")
    tree.execute("UPDATE nodes SET parent = 2")
    assert restored(restores.restore(kept)) == (0, 2, 0, 0, 0)
    assert tree.rows("nodes") == [(1, 1), (2, 1)]


TREE = HEAD + (
    f'nodes = Table("nodes", metadata, {KEY}, Column("code", String(9), unique=True),\n'
    '    Column("parent", String(9), ForeignKey("nodes.code")))\n'
)


def test_references_to_unique_columns_of_the_same_table(service_of: ServiceOf, tmp_path: Path) -> None:
    tree = Tables(service_of(TREE), tmp_path)
    rows = "1,a,c\n2,b,z\n3,b,a\n4,c,\n5,c,a\n6,d,b\n7,e,f\n5,f,a\n"
    assert counts(tree.put("nodes.csv", rows)) == (8, 6, 0, 0, 2)
    assert tree.codes() == [(2, ["reference.missing"]), (5, ["key.duplicate"])]
    assert counts(tree.put("nodes.csv", "8,g,h\n9,h,g\n1,a,g\n", on_conflict="update")) == (3, 2, 1, 0, 0)
    # Row 11 takes the code of row 10, which is a duplicate: whatever refers to its key 'k' refers to nothing.
    assert counts(tree.put("nodes.csv", "10,i,\n10,k,\n12,l,k\n13,m,l\n")) == (4, 1, 0, 0, 3)
    assert tree.codes() == [(2, ["key.duplicate"]), (3, ["reference.missing"]), (4, ["reference.missing"])]


def test_rows_that_the_database_refuses_take_those_along_that_refer_to_them(firm: Tables) -> None:
    firm.execute("CREATE UNIQUE INDEX wages ON staff (wage) WHERE wage > 100")
    firm.put("staff.csv", "90,,101\n")
    assert counts(firm.put("staff.csv", "1,2,\n2,1,\n3,4,\n4,,101\n5,3,\n6,1,102\n")) == (6, 3, 0, 0, 3)
    assert firm.codes() == [(3, ["reference.missing"]), (4, ["database.wages"]), (5, ["reference.missing"])]
    batch = [{"id": 7, "boss": 8, "wage": 102}, {"id": 8, "boss": 9}, {"id": 9, "boss": 8}]
    found = [(table, index, code) for table, index, ((_, code),) in codes(Batches(firm).put({"staff": batch}))]
    assert found == [("staff", 0, "database.wages")]
