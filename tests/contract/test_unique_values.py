"""What a model declares unique beside the key is judged row by row, and holds in the table."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from batching import Batches, codes
from loading import Tables, counts, lines
from made_up import TIMES
from owning import HEAD, ServiceOf
from restoring import Restores
from rowferry.backends.capabilities import Capabilities
from rowferry.errors import RejectsExceeded, UniqueBroken

BERTHS = HEAD + (
    'ports = Table("ports", metadata, Column("id", Integer, primary_key=True), '
    'Column("name", String(9), nullable=False, unique=True))\n'
    'ships = Table("ships", metadata, Column("id", Integer, primary_key=True),\n'
    '              Column("code", String(9), unique=True), Column("port_id", ForeignKey("ports.id")),\n'
    '              Column("berth", Numeric(4, 1)), UniqueConstraint("port_id", "berth"))\n'
)

Row = tuple[Any, ...]
"""id, code, port_id, berth."""

Found = tuple[int, list[tuple[str | None, str]]]
"""The number of a row, and the columns and codes of its faults."""


@pytest.fixture
def ships(service_of: ServiceOf, tmp_path: Path) -> Tables:
    tables = Tables(service_of(BERTHS), tmp_path)
    tables.put("ports.csv", "1,Aden\n2,Bari\n3,Cork\n")
    return tables


def values_of(row: Row) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """What is unique in a row: the number of the constraint, and the values."""
    for number, values in enumerate(((row[1],), (row[2], row[3]))):
        if None not in values:
            yield number, values


@dataclass
class Expected:
    """What should become of rows, judged one by one against a table as it was."""

    table: dict[int, Row]
    unchanged: int = 0
    found: list[Found] = field(default_factory=list)

    def judge(self, rows: list[Row], *, skip: bool) -> "Expected":
        before, taken = dict(self.table), dict[object, int]()
        held = {values: key for key, row in before.items() for values in values_of(row)}
        for number, row in enumerate(rows, 1):
            own = list(values_of(row))
            faults = [(_column(n), "key.conflict") for n, v in own if (n, v) in held and row[0] not in before]
            if not faults:
                # None of the values of a row that the table has goes in.
                keys = [(-1, row[0]), *(own if row[0] not in before else [])]
                faults = [(_column(key[0]), "key.duplicate") for key in keys if key in taken]
                if not faults:
                    taken |= dict.fromkeys(keys, number)
                    faults = self._put(row, before, skip=skip)
            if faults:
                self.found.append((number, faults))
        return self

    def _put(self, row: Row, before: dict[int, Row], *, skip: bool) -> list[tuple[str | None, str]]:
        if row[0] not in before:
            self.table[row[0]] = row
        elif before[row[0]] == row or skip:
            self.unchanged += 1
        else:
            return [("id", "key.conflict")]
        return []


def _column(number: int) -> str | None:
    return {-1: "id", 0: "code", 1: None}[number]


def some_rows(chance: random.Random, count: int) -> list[Row]:
    few = max(3, count // 2)

    def one() -> Row:
        berth = chance.choice([None, float(chance.randrange(few))])
        code = chance.choice([None, f"c{chance.randrange(few)}"])
        return chance.randrange(1, 2 * few), code, chance.choice([None, 1, 2, 3]), berth

    return [one() for _ in range(count)]


def as_csv(rows: list[Row]) -> str:
    return lines(["" if value is None else value for value in row] for row in rows)


def as_json(row: Row) -> dict[str, Any]:
    named = zip(("id", "code", "port_id", "berth"), row, strict=True)
    return {name: str(value) if name == "berth" and value is not None else value for name, value in named}


def plain(rows: list[Row]) -> list[Row]:
    return [(*row[:3], None if row[3] is None else float(row[3])) for row in rows]


def table_after(ships: Tables, chance: random.Random) -> dict[int, Row]:
    """Fill the table with rows that break no rule."""
    start = Expected({}).judge(some_rows(chance, 8), skip=False)
    ships.execute("DELETE FROM ships")
    ships.put("ships.csv", as_csv(list(start.table.values())))
    assert plain(ships.rows("ships")) == sorted(start.table.values())
    return start.table


@pytest.mark.parametrize("skip", [False, True])
def test_rows_are_judged_as_if_one_by_one(ships: Tables, *, skip: bool) -> None:
    on_conflict = "skip" if skip else "reject"
    seen = set()
    for seed in range(10 * TIMES):
        chance = random.Random(seed)
        before = table_after(ships, chance)
        rows = some_rows(chance, 12)
        expected = Expected(dict(before)).judge(rows, skip=skip)
        path = ships.write("ships.csv", as_csv(rows))
        rehearsed = ships.load(path, on_conflict=on_conflict, dry_run=True)
        receipt = ships.load(path, on_conflict=on_conflict)
        new = len(expected.table) - len(before)
        assert counts(receipt) == (len(rows), new, 0, expected.unchanged, len(expected.found)), seed
        assert counts(rehearsed) == counts(receipt)
        kept = [(r["row_number"], [(e["column"], e["code"]) for e in r["errors"]]) for r in ships.rejects()]
        assert in_order(kept) == in_order(expected.found), seed
        assert plain(ships.rows("ships")) == sorted(expected.table.values())
        seen |= {fault for _, faults in kept for fault in faults}
        batch_equals_csv(ships, before, rows, expected, on_conflict)
    # Each sort came up; whether the key itself is in conflict is not asked where such rows are passed over.
    everything = {(column, f"key.{what}") for column in ("id", "code", None) for what in ("duplicate", "conflict")}
    assert seen == everything - ({("id", "key.conflict")} if skip else set())


def in_order(found: Iterable[Found]) -> list[Found]:
    return [(number, sorted(faults, key=str)) for number, faults in found]


def batch_equals_csv(
    ships: Tables, before: dict[int, Row], rows: list[Row], expected: Expected, on_conflict: str
) -> None:
    """The same rows as a batch have the same faults."""
    ships.execute("DELETE FROM ships")
    ships.put("ships.csv", as_csv(list(before.values())))
    receipt = Batches(ships).put({"ships": [as_json(row) for row in rows]}, on_conflict=on_conflict)
    assert in_order((index + 1, faults) for _, index, faults in codes(receipt)) == in_order(expected.found)
    assert plain(ships.rows("ships")) == sorted(expected.table.values())


def test_faults_name_the_value_and_the_row_that_has_it(ships: Tables) -> None:
    ships.put("ships.csv", "1,a,1,5\n")
    ships.put("ships.csv", "2,b,1,6\n3,b,,\n4,a,1,5\n5,c,1,6.0\n2,b,,\n6,,1,\n7,,1,\n")
    told = {row["row_number"]: {e["message"] for e in row["errors"]} for row in ships.rejects()}
    there = "is already in the table, with a different id"
    assert told == {
        2: {"code 'b' was taken by row 1"},
        3: {f"code 'a' {there}", f"port_id, berth 1, 5.0 {there}"},
        4: {"port_id, berth 1, 6.0 was taken by row 1"},
        5: {"id 2 was taken by row 1", "code 'b' was taken by row 1"},
    }
    receipt = Batches(ships).put({"ships": [{"id": 8, "code": "d"}, {"id": 9, "code": "d"}]})
    assert receipt.rejected[0].errors[0]["message"] == "code 'd' was taken by the row at index 0"


def test_who_refers_to_a_row_that_is_rejected_refers_to_nothing(ships: Tables) -> None:
    files = [
        ships.write("ports.csv", "4,Bari\n5,Dover\n6,Dover\n7,Ems\n"),
        ships.write("ships.csv", "1,,4,\n2,,5,\n3,,6,\n4,,7,\n"),
    ]
    assert counts(ships.load(*files)) == (8, 4, 0, 0, 4)
    assert [row[0] for row in ships.rows("ships")] == [2, 4]
    assert ships.codes() == [
        (1, ["key.conflict"]),
        (3, ["key.duplicate"]),
        (1, ["reference.missing"]),
        (3, ["reference.missing"]),
    ]


@pytest.mark.parametrize("filled", [False, True])
def test_many_rows(ships: Tables, *, filled: bool) -> None:
    rows = 60_000
    if filled:
        ships.put("ships.csv", f"{rows + 1},c7,,\n")
    content = "".join(f"{at},c{at - (at % 1_000 == 999)},,\n" for at in range(rows))
    receipt = ships.put("ships.csv", content)
    assert counts(receipt) == (rows, rows - 60 - filled, 0, 0, 60 + filled)
    assert ships.codes()[0] == (8 if filled else 1_000, ["key.conflict" if filled else "key.duplicate"])
    assert counts(ships.put("ships.csv", content)) == (rows, 0, 0, rows - 60 - filled, 60 + filled)


def test_rows_of_several_files_of_a_table(ships: Tables) -> None:
    files = [ships.write("ships.csv", "1,a,,\n2,b,,\n", folder) for folder in ("one",)]
    files.append(ships.write("ships.csv", "1,a,,\n3,b,,\n4,c,,\n", "two"))
    assert counts(ships.load(*files)) == (5, 3, 0, 0, 2)
    assert ships.codes() == [(1, ["key.duplicate"] * 2), (2, ["key.duplicate"])]
    assert [row[:2] for row in ships.rows("ships")] == [(1, "a"), (2, "b"), (4, "c")]


def require_update(
    table: dict[int, Row], before: dict[int, Row], rows: list[Row], faults: dict[int, list[str]]
) -> None:
    """What an update made of a table is what it may be, and no row was rejected that could have gone in."""
    accepted = {row[0]: row for number, row in enumerate(rows, 1) if number not in faults}
    assert len(accepted) + len(faults) == len(rows)
    assert table == before | accepted
    for number, codes_of_row in faults.items():
        row = rows[number - 1]
        held = any(
            values in values_of(other) for key, other in table.items() for values in values_of(row) if key != row[0]
        )
        assert held if codes_of_row == ["key.conflict"] else held or row[0] in accepted


def test_rows_of_an_update_take_no_value_that_is_kept(ships: Tables) -> None:
    seen: set[str] = set()
    for seed in range(10 * TIMES):
        chance = random.Random(seed)
        before = table_after(ships, chance)
        rows = some_rows(chance, 12)
        path = ships.write("ships.csv", as_csv(rows))
        rehearsed = ships.load(path, on_conflict="update", dry_run=True)
        receipt = ships.load(path, on_conflict="update")
        faults = dict(ships.codes())
        require_update({row[0]: row for row in plain(ships.rows("ships"))}, before, rows, faults)
        assert counts(rehearsed) == counts(receipt)
        assert rehearsed.tables[0].rejected_by_code == receipt.tables[0].rejected_by_code
        ships.execute("DELETE FROM ships")
        ships.put("ships.csv", as_csv(list(before.values())))
        batch = Batches(ships).put({"ships": list(map(as_json, rows))}, on_conflict="update")
        assert {at + 1: [code for _, code in found] for _, at, found in codes(batch)} == faults
        require_update({row[0]: row for row in plain(ships.rows("ships"))}, before, rows, faults)
        seen.update(*faults.values())
    assert seen == {"key.conflict", "key.duplicate"}


def test_an_update_may_pass_values_on_but_takes_none_from_others(ships: Tables) -> None:
    ships.put("ships.csv", "1,a,,\n2,b,,\n")
    assert counts(ships.put("ships.csv", "1,b,,\n2,c,,\n3,a,,\n4,a,,\n", on_conflict="update")) == (4, 1, 2, 0, 1)
    assert ships.codes() == [(4, ["key.duplicate"])]
    assert counts(ships.put("ships.csv", "5,c,,\n6,d,,\n", on_conflict="update")) == (2, 1, 0, 0, 1)
    (reject,) = ships.rejects()
    message = "code 'c' is already in the table, with a different id"
    assert reject["errors"] == [{"column": "code", "code": "key.conflict", "message": message}]
    assert reject["row_number"] == 1
    batch = Batches(ships).put({"ships": [{"id": 5, "code": "c"}, {"id": 1, "code": "e"}]}, on_conflict="update")
    assert (codes(batch), batch.updated) == ([("ships", 0, [("code", "key.conflict")])], {"ships": 1})
    assert [row[:2] for row in ships.rows("ships")] == [(1, "e"), (2, "c"), (3, "a"), (6, "d")]
    batch = Batches(ships).put({"ships": [{"id": 1, "code": "c"}, {"id": 2, "port_id": 1}]}, on_conflict="update")
    assert (codes(batch), batch.updated) == ([("ships", 0, [("code", "key.conflict")])], {"ships": 1})


def test_who_waits_for_a_value_that_is_kept_waits_in_vain(ships: Tables) -> None:
    """Row 1 would take what row 2 has, which would take what row 3 has; that stays as it is."""
    ships.put("ships.csv", "1,a,,\n2,b,,\n3,c,,\n4,d,,\n5,e,,\n")
    content = "1,b,,\n2,c,,\n4,e,,\n5,d,,\n6,a,,\n"
    assert counts(ships.put("ships.csv", content, on_conflict="update")) == (5, 0, 2, 0, 3)
    assert ships.codes() == [(number, ["key.conflict"]) for number in (1, 2, 5)]
    assert [row[1] for row in ships.rows("ships")] == ["a", "b", "c", "e", "d"]


def test_many_rows_that_want_the_same_value_are_judged_at_once(ships: Tables) -> None:
    ships.put("ships.csv", "1,a,,\n2,b,,\n")
    content = "".join(f"{at},a,,\n" for at in range(2, 3_000)) + "1,a,1,1\n"
    assert counts(ships.put("ships.csv", content, on_conflict="update")) == (2_999, 0, 1, 0, 2_998)
    assert {code for _, found in ships.codes() for code in found} == {"key.conflict"}


def test_what_refers_to_a_row_of_an_update_that_is_rejected(ships: Tables) -> None:
    files = [ships.write("ports.csv", "3,Dover\n4,Bari\n5,Cork\n"), ships.write("ships.csv", "1,,4,\n2,,5,\n")]
    assert counts(ships.load(*files, on_conflict="update")) == (5, 2, 1, 0, 2)
    assert ships.codes() == [(2, ["key.conflict"]), (1, ["reference.missing"])]


def test_limits_count_them(ships: Tables) -> None:
    ships.fail(RejectsExceeded, ships.write("ships.csv", "1,a,,\n2,a,,\n"), max_rejects="0")
    assert ships.codes() == [(2, ["key.duplicate"])]


def test_a_backup_that_breaks_a_rule_of_today(service_of: ServiceOf, tmp_path: Path) -> None:
    restores = Restores(Tables(service_of(BERTHS), tmp_path))
    kept = restores.keep("ships", [(1, "a", None, None), (2, "a", None, None), (3, "b", None, None)])
    refused = restores.restore(kept)
    (obstacle,) = refused.obstacles
    assert (obstacle.kind, obstacle.rows) == ("rules_broken", 1)
    assert "key.duplicate: 1" in obstacle.message
    assert restores.tables.rows("ships") == []
    assert restores.restore(kept, partial=True).failure() is None
    assert [row[:2] for row in restores.tables.rows("ships")] == [(1, "a"), (3, "b")]


ODD_COLUMNS = {
    "percent": 'Column("100 %s", String(9), unique=True)',
    "collation": 'Column("code", String(9, collation=C), unique=True)',
}


@pytest.mark.parametrize("column", ODD_COLUMNS)
def test_columns_with_odd_names_and_types(
    service_of: ServiceOf, capabilities: Capabilities, tmp_path: Path, column: str
) -> None:
    exact = capabilities.exact_collation
    source = HEAD + (
        f'C = "{exact}"\nships = Table("ships", metadata, Column("id", Integer, primary_key=True), '
        f"{ODD_COLUMNS[column]})\n"
    )
    ships = Tables(service_of(source), tmp_path)
    name = ships.service.catalog.table("ships").names[1]
    assert counts(ships.put("ships.csv", "1,a\n2,a\n3,b\n")) == (3, 2, 0, 0, 1)
    assert counts(ships.put("ships.csv", "1,a\n4,a\n5,c\n")) == (3, 1, 0, 1, 1)
    rows = [{"id": 1, name: "a"}, {"id": 3, name: "d"}, {"id": 6, name: "a"}, {"id": 7, name: "e"}]
    conflicts = [("ships", 1, [("id", "key.conflict")]), ("ships", 2, [(name, "key.conflict")])]
    assert codes(Batches(ships).put({"ships": rows})) == conflicts
    restores = Restores(ships)
    kept = restores.back_up("ships")
    assert Batches(ships).put({"ships": rows[:2]}, on_conflict="update").updated == {"ships": 1}
    assert restores.restore(kept).tables[0].changed == 1
    assert ships.rows("ships") == [(1, "a"), (3, "b"), (5, "c"), (7, "e")]


INDEXES = {
    'Index("one", "code", unique=True)': True,
    'Index("one", "code", unique=True, postgresql_where=text("id > 1"), sqlite_where=text("id > 1"))': False,
    'Index("one", func.lower(column("code")), unique=True)': False,
    'Index("one", "code")': False,
    'UniqueConstraint("id", "code")': False,
}


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_may_make_values_unique(service_of: ServiceOf, tmp_path: Path, index: str) -> None:
    source = HEAD + (
        "from sqlalchemy import Index, column, func, text\n"
        'columns = Column("id", Integer, primary_key=True), Column("code", String(9))\n'
        f'ships = Table("ships", metadata, *columns, {index})\n'
    )
    ships = Tables(service_of(source), tmp_path)
    assert ships.service.catalog.table("ships").unique == ((("code",),) if INDEXES[index] else ())
    if INDEXES[index]:
        assert counts(ships.put("ships.csv", "1,a\n2,a\n")) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize("on_conflict", ["reject", "skip"])
def test_a_row_that_does_not_go_in_takes_no_value(ships: Tables, on_conflict: str) -> None:
    ships.put("ships.csv", "1,a,,\n")
    rejected = int(on_conflict == "reject")
    assert counts(ships.put("ships.csv", "1,b,,\n2,b,,\n", on_conflict=on_conflict)) == (
        2,
        1,
        0,
        1 - rejected,
        rejected,
    )
    files = [ships.write("ships.csv", "1,c,,\n3,d,,\n", "one"), ships.write("ships.csv", "4,c,,\n3,a,,\n", "two")]
    receipt = ships.load(*files, on_conflict=on_conflict)
    assert counts(receipt) == (4, 2, 0, 1 - rejected, 1 + rejected)
    assert [row[:2] for row in ships.rows("ships")] == [(1, "a"), (2, "b"), (3, "d"), (4, "c")]


def test_a_table_that_lacks_the_index_is_not_searched_row_by_row(service_of: ServiceOf, tmp_path: Path) -> None:
    source = HEAD + (
        'ships = Table("ships", metadata, Column("id", Integer, primary_key=True),\n'
        '              Column("code", String(9), unique=True), Column("port", Integer),\n'
        '              UniqueConstraint("code", "port"))\n'
    )
    ships, many = Tables(service_of(source), tmp_path), 150_000
    ships.execute("DROP TABLE ships")
    ships.execute("CREATE TABLE ships (id integer NOT NULL PRIMARY KEY, code varchar(9), port integer)")
    ships.put("ships.csv", "".join(f"{at},c{at},{at}\n" for at in range(many)))
    more = "".join(f"{at},c{at - many % 7 * (at % 1_000 == 0)},{at}\n" for at in range(many, 2 * many))
    # Row by row against all others, this would take hours.
    assert counts(ships.put("ships.csv", more)) == (many, many - 150, 0, 0, 150)
    found = [code for _, [code] in ships.codes()]
    assert found == ["key.conflict"] + ["key.duplicate"] * 149


def test_a_restore_of_parents_whose_values_surplus_rows_hold(ships: Tables) -> None:
    """They are removed last, since rows refer to them until then: nothing is done."""
    restores = Restores(ships)
    ships.put("ships.csv", "1,a,1,\n2,b,2,\n")
    kept = [restores.back_up(name) for name in ("ports", "ships")]
    ships.execute("DELETE FROM ships")
    ships.execute("DELETE FROM ports WHERE id = 1")
    ships.put("ports.csv", "9,Aden\n")
    ships.put("ships.csv", "1,a,9,\n")
    before = ships.everything()
    with pytest.raises(UniqueBroken, match=r"ports.name"):
        restores.restore(*kept)
    assert ships.everything() == before
