"""References by several columns, and to columns that are unique beside the key."""

from pathlib import Path

import pytest

from batching import Batches, codes
from loading import Tables, counts, lines
from owning import HEAD, ServiceOf
from restoring import Restores, counts as restored
from rowferry.errors import ModelsUnusable

KEY = 'Column("id", Integer, primary_key=True, autoincrement=False)'

SHOP = HEAD + (
    f'orders = Table("orders", metadata, {KEY}, Column("tenant", String(9), nullable=False),\n'
    '    Column("number", Integer, nullable=False), Column("code", String(9), unique=True),\n'
    '    UniqueConstraint("number", "tenant"), UniqueConstraint("id", "tenant"))\n'
    f'items = Table("items", metadata, {KEY}, Column("tenant", String(9)), Column("number", Integer),\n'
    '    Column("order_id", Integer), Column("code", String(9), ForeignKey("orders.code")),\n'
    '    ForeignKeyConstraint(["tenant", "number"], ["orders.tenant", "orders.number"], name="of_order"),\n'
    '    ForeignKeyConstraint(["order_id", "tenant"], ["orders.id", "orders.tenant"]))\n'
    'shops = Table("shops", metadata, Column("region", String(9), primary_key=True),\n'
    '    Column("number", Integer, primary_key=True))\n'
    f'visits = Table("visits", metadata, {KEY}, Column("region", String(9)), Column("number", Integer),\n'
    '    CheckConstraint("id < 100000", name="few"),\n'
    '    ForeignKeyConstraint(["region", "number"], ["shops.region", "shops.number"], deferrable=True))\n'
)

ORDERS = "1,a,1,x\n2,a,2,\n3,b,1,y\n"


@pytest.fixture
def shop(service_of: ServiceOf, tmp_path: Path) -> Tables:
    return Tables(service_of(SHOP), tmp_path)


def test_rows_are_judged_by_all_columns_together(shop: Tables) -> None:
    orders = shop.write("orders.csv", ORDERS)
    items = shop.write(
        "items.csv", "1,a,1,1,x\n2,b,2,,\n3,b,,3,y\n4,,1,9,z\n5,a,1,3,\n6,b,1,3,\n7,b,1,3,x\n8,a,x,1,x\n"
    )
    assert counts(shop.load(orders, items)) == (11, 7, 0, 0, 4)
    assert [(row["row_number"], row["errors"]) for row in shop.rejects()] == [
        (2, [fault(None, "tenant, number 'b', 2 is not in orders")]),
        (4, [fault("code", "code 'z' is not in orders")]),
        (5, [fault(None, "order_id, tenant 3, 'a' is not in orders")]),
        (8, [{"column": "number", "code": "value.type", "message": "number must be an integer, not 'x'"}]),
    ]
    assert counts(shop.load(orders, items)) == (11, 0, 0, 7, 4), "the same again"
    assert counts(shop.put("items.csv", "9,a,2,2,\n10,a,3,2,\n")) == (2, 1, 0, 0, 1), "parents that were there before"


def fault(column: str | None, message: str) -> dict[str, str | None]:
    return {"column": column, "code": "reference.missing", "message": message}


def test_a_batch_judges_the_same(shop: Tables) -> None:
    shop.put("orders.csv", ORDERS)
    rows = [
        {"id": 1, "tenant": "a", "number": 1, "order_id": 1, "code": "x"},
        {"id": 2, "tenant": "a", "number": 3, "order_id": 2, "code": "w"},
        {"id": 3, "tenant": "c", "number": 3, "order_id": None, "code": "w"},
        {"id": 4, "tenant": None, "number": 3, "order_id": 77},
    ]
    order = {"id": 4, "tenant": "c", "number": 3, "code": "w"}
    receipt = Batches(shop).put({"items": rows, "orders": [order]})
    assert codes(receipt) == [("items", 1, [(None, "reference.missing")])]
    assert len(shop.rows("items")) == 3


CHANGED = {"id": 1, "tenant": "a", "number": 1, "code": "z"}
LEAVING_OUT = {"id": 3, "tenant": "c", "number": 1}
REFERRING = "1,,,,x\n2,,,,z\n3,b,1,,\n4,c,1,,\n5,,,,y\n"


def test_what_an_update_changes_in_parents_is_not_there_any_more(shop: Tables) -> None:
    """But a column that a row leaves out keeps its value."""
    shop.put("orders.csv", ORDERS)
    orders = [
        shop.write("orders.csv", lines([[*row], [*row.values()]]), str(len(row))) for row in (CHANGED, LEAVING_OUT)
    ]
    assert counts(shop.load(*orders, shop.write("items.csv", REFERRING), on_conflict="update")) == (7, 3, 2, 0, 2)
    assert shop.codes() == [(1, ["reference.missing"]), (3, ["reference.missing"])]


def test_nor_is_it_in_a_batch(shop: Tables) -> None:
    shop.put("orders.csv", ORDERS)
    named = ("id", "tenant", "number", "order_id", "code")
    items = [dict(zip(named, (cell or None for cell in line.split(",")), strict=True)) for line in REFERRING.split()]
    receipt = Batches(shop).put({"orders": [CHANGED, LEAVING_OUT], "items": items}, on_conflict="update")
    assert [index for _, index, _ in codes(receipt)] == [0, 2]


def test_a_value_that_rows_refer_to_cannot_be_taken_over(shop: Tables) -> None:
    """The database refuses to take it from its row; so a row that would have it is rejected, too, and no other."""
    shop.load(shop.write("orders.csv", ORDERS), shop.write("items.csv", "1,,,,x\n"))
    assert counts(shop.put("orders.csv", "1,a,1,z\n5,c,9,x\n6,c,8,\n", on_conflict="update")) == (3, 1, 0, 0, 2)
    (refused, conflict) = shop.codes()
    assert (refused[0], refused[1][0].partition(".")[0], conflict) == (1, "database", (2, ["key.conflict"]))


def test_checks_are_told_beside_a_reference_of_several_columns(shop: Tables) -> None:
    shop.put("shops.csv", "n,1\n")
    shop.put("visits.csv", "200000,n,2\n1,n,1\n")
    assert shop.codes() == [(1, ["reference.missing", "value.check"])]


def test_many_rows_go_their_fast_ways(shop: Tables) -> None:
    shops = shop.write("shops.csv", lines((region, at) for region in "abc" for at in range(1, 5_001)))
    rows = [(at, "abc"[at % 3], at % 5_000 + 1) for at in range(60_000)]
    rows[777] = (777, "abc"[777 % 3], 6_000)
    visits = shop.write("visits.csv", lines(rows))
    assert counts(shop.load(shops, visits)) == (75_000, 74_999, 0, 0, 1)
    rows[778] = (778, "c", 1)
    more = lines([*rows[:20_000], *((at, "a", at % 5_000 + 1) for at in range(60_000, 75_000))])
    assert counts(shop.put("visits.csv", more, on_conflict="update")) == (35_000, 15_000, 1, 19_998, 1)


def test_backups_come_back(shop: Tables) -> None:
    shop.load(shop.write("orders.csv", ORDERS), shop.write("items.csv", "1,a,1,1,x\n2,b,1,3,y\n"))
    before, restores = shop.everything(), Restores(shop)
    orders, items = restores.back_up("orders"), restores.back_up("items")
    shop.execute("DELETE FROM items")
    shop.execute("DELETE FROM orders WHERE id = 3")
    shop.execute("UPDATE orders SET code = 'new' WHERE id = 1")
    receipt = restores.restore(items)
    (obstacle,) = receipt.obstacles
    assert (obstacle.kind, obstacle.rows) == ("parents_missing", 2)
    assert restored(restores.restore(orders, items)) == (3, 1, 0, 1, 0)
    assert shop.everything() == before
    shop.execute("INSERT INTO orders VALUES (4, 'd', 1, 'w')")
    shop.execute("INSERT INTO items VALUES (3, 'd', 1, 4, 'w')")
    (obstacle, *others) = restores.restore(orders).obstacles
    assert (obstacle.kind, obstacle.rows) == ("referred_to", 1)
    assert len(others) == 2, "by each of the references"
    assert restored(restores.restore(orders, items)) == (0, 0, 2, 5, 0)


def test_what_is_referred_to_must_be_unique(service_of: ServiceOf) -> None:
    source = HEAD + (
        f'boxes = Table("boxes", metadata, {KEY}, Column("a", Integer), Column("b", Integer))\n'
        f'lids = Table("lids", metadata, {KEY}, Column("a", Integer, ForeignKey("boxes.a")), Column("b", Integer),\n'
        '    ForeignKeyConstraint(["a", "b"], ["boxes.id", "boxes.b"]))\n'
        f'tops = Table("tops", metadata, {KEY}, Column("a", Integer), Column("b", Integer),\n'
        '    ForeignKeyConstraint(["a", "b"], ["pairs.a", "pairs.b"], match="FULL"))\n'
        'pairs = Table("pairs", metadata, *[Column(name, Integer, primary_key=True) for name in "ab"])\n'
    )
    with pytest.raises(ModelsUnusable) as caught:
        service_of(source)
    for told in (
        "lids.a refers to boxes.a, of which several rows may have the same; declare it as unique",
        "lids.a, b refers to boxes.id, b, of which",
        "tops.a, b is MATCH FULL",
    ):
        assert told in caught.value.message
