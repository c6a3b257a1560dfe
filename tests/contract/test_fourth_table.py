"""Tables of a user's own module are loaded with no other edit: optional columns, checks, every kind, any key."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from databases import NewDatabase
from loading import DEPARTMENTS, Tables, counts
from made_up import made_up
from rowferry.bootstrap import Service
from rowferry.errors import SchemaDiffers

INSTANT = dt.datetime(2021, 5, 6, 7, 8, 9, 123_456, tzinfo=dt.UTC)

PROJECTS = """\
1,Alpha,1,3,9223372036854775807,12.50,0.1,true,2030-12-31,2021-05-06T07:08:09.123456Z
2,Beta,,1,,,,,,
-3,"Gamma, the
third",2,5,-1,+00.5,-1.5e-7,FALSE,2001-01-01,2021-05-06 09:08:09.123456+02:00
"""

VALUES = [
    (-3, "Gamma, the\nthird", 2, 5, -1, Decimal("0.5"), -1.5e-7, False, dt.date(2001, 1, 1), INSTANT),
    (1, "Alpha", 1, 3, 2**63 - 1, Decimal("12.50"), 0.1, True, dt.date(2030, 12, 31), INSTANT),
    (2, "Beta", None, 1, None, None, None, None, None, None),
]


@pytest.fixture
def projects(new_service: Callable[..., Service], tmp_path: Path) -> Tables:
    tables = Tables(new_service("fourth_table"), tmp_path)
    tables.put("departments.csv", DEPARTMENTS)
    return tables


def test_load_order_follows_the_references(projects: Tables) -> None:
    names = projects.service.catalog.names
    assert sorted(names) == ["assignments", "countries", "departments", "projects"]
    assert names.index("departments") < names.index("projects") < names.index("assignments")
    assert names.index("countries") < names.index("assignments")


def test_values_of_every_kind_come_back_as_they_went_in(projects: Tables) -> None:
    good, values = PROJECTS, VALUES
    assert counts(projects.put("projects.csv", good)) == (3, 3, 0, 0, 0)
    assert projects.rows("projects") == values
    assert [tuple(map(type, row)) for row in projects.rows("projects")] == [tuple(map(type, row)) for row in values]
    assert counts(projects.put("projects.csv", good)) == (3, 0, 0, 3, 0)
    changed = good.replace("12.50", "12.51").replace("2,Beta,,", "2,Beta,3,")
    assert counts(projects.put("projects.csv", changed)) == (3, 0, 0, 1, 2)
    assert "budget" in projects.rejects()[0]["errors"][0]["message"]
    assert "department_id" in projects.rejects()[1]["errors"][0]["message"]
    assert counts(projects.put("projects.csv", changed, on_conflict="update")) == (3, 0, 2, 1, 0)
    assert counts(projects.put("projects.csv", changed, on_conflict="update")) == (3, 0, 0, 3, 0)


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ("9,Delta,,32768,,,,,,", "value.range", "level"),
        ("9,Delta,,2,9223372036854775808,,,,,", "value.range", "visits"),
        ("9,Delta,,2,,12345678901,,,,", "value.range", "budget"),
        ("9,Delta,,2,,1.234,,,,", "value.range", "budget"),
        ("9,Delta,,2,,1e3,,,,", "value.type", "budget"),
        ("9,Delta,,2,,,nan,,,", "value.type", "ratio"),
        ("9,Delta,,2,,,1e999,,,", "value.range", "ratio"),
        ("9,Delta,,2,,,,yes,,", "value.type", "active"),
        ("9,Delta,,2,,,,,2021-02-30,", "value.type", "ends"),
        ("9,Delta,,2,,,,,,2021-05-06", "value.type", "seen"),
        ("9,a name of more than twenty,,2,,,,,,", "value.length", "name"),
        ("9,Delta,4,2,,,,,,", "reference.missing", "department_id"),
        ("9,,,2,,,,,,", "value.required", "name"),
        ("9,Delta,,,,,,,,", "value.required", "level"),
        ("9,Delta,,0,,,,,,", "value.check", None),
        ("9,Delta,,6,,,,,,", "value.check", None),
        ("9,Delta,,2,,0.49,,,,", "value.check", None),
        ("9,Delta,,2,,-1.5,,,,", "value.check", None),
        ("9,Delta,,2,,,,,1999-12-31,", "value.check", None),
        ("9,xavier,,2,,,,,,", "value.check", None),
    ],
)
def test_each_rule_of_a_column_is_judged(projects: Tables, cells: str, code: str, column: str | None) -> None:
    receipt = projects.put("projects.csv", f"8,Before,,1,,,,,,\n{cells}\n")
    assert counts(receipt) == (2, 1, 0, 0, 1)
    assert [(e["column"], e["code"]) for e in projects.rejects()[0]["errors"]] == [(column, code)]
    assert len(projects.rows("projects")) == 1


def test_checks_name_themselves_and_several_may_be_broken(projects: Tables) -> None:
    projects.put("projects.csv", "1,xavier,,9,,,,,,\n1,Alpha,,1,,,,,,\n")
    told = [error["message"] for error in projects.rejects()[0]["errors"]]
    assert len(told) == 2
    assert "level_is_known" in " ".join(told)
    assert "name_is_no_x" in " ".join(told)
    assert projects.rows("projects")[0][1] == "Alpha"


def test_a_text_key(projects: Tables) -> None:
    text = 'AT,Austria\nat,austria\n" AT",\n"A""T","quoted\n\\.\n"\nAT,Again\n,\nDE,  \nö,\nÖ,x\n'
    receipt = projects.put("countries.csv", text)
    assert counts(receipt) == (9, 7, 0, 0, 2)
    rows = dict(projects.rows("countries"))
    assert rows == {
        " AT": None,
        'A"T': "quoted\n\\.\n",
        "AT": "Austria",
        "DE": None,
        "at": "austria",
        "Ö": "x",
        "ö": None,
    }
    assert projects.codes() == [(5, ["key.duplicate"]), (6, ["value.required"])]
    assert projects.rejects()[0]["errors"][0]["message"].endswith("was taken by row 1")
    again = projects.put("countries.csv", text.replace("Austria", "Österreich"))
    assert counts(again) == (9, 0, 0, 6, 3)
    assert projects.codes(again.load_id)[0] == (1, ["key.conflict"])


def test_a_key_of_two_columns_and_nothing_else(projects: Tables) -> None:
    projects.put("projects.csv", "1,a,,1,,,,,,\n2,b,,1,,,,,,\n")
    projects.put("countries.csv", "AT,\nDE,\n")
    text = "1,AT\n1,DE\n2,AT\n1,AT\n3,AT\n2,FR\n"
    receipt = projects.put("assignments.csv", text)
    assert counts(receipt) == (6, 3, 0, 0, 3)
    assert projects.rows("assignments") == [(1, "AT"), (1, "DE"), (2, "AT")]
    assert [(row["row_number"], [(e["column"], e["code"]) for e in row["errors"]]) for row in projects.rejects()] == [
        (4, [(None, "key.duplicate")]),
        (5, [("project_id", "reference.missing")]),
        (6, [("country", "reference.missing")]),
    ]
    for on_conflict in ("reject", "skip", "update"):
        assert counts(projects.put("assignments.csv", text, on_conflict=on_conflict)) == (6, 0, 0, 3, 3)


def test_all_tables_at_once_from_one_folder(projects: Tables) -> None:
    projects.write("departments.csv", "4,New\n", "in")
    projects.write(
        "projects.csv", "ends,id,name,level,department_id,budget,visits,seen,ratio,active\n,1,a,1,4,,,,,\n", "in"
    )
    projects.write("countries.csv", "AT,\n", "in")
    projects.write("assignments.csv", "1,AT\n", "in")
    assert counts(projects.load(projects.folder / "in")) == (4, 4, 0, 0, 0)
    assert projects.rows("projects")[0][:4] == (1, "a", 4, 1)


def test_many_rows_of_every_kind(projects: Tables) -> None:
    text = "".join(
        f"{at},Name {at},{at % 3 + 1 if at % 2 else ''},{at % 5 + 1},{at * 10**12},{at}.{at % 100:02},{at / 7!r},true,"
        f"2021-01-{at % 28 + 1:02},2021-01-01T00:00:{at % 60:02}.{at:06}Z\n"
        for at in range(1, 15_001)
    )
    assert len(text) > 600_000
    assert counts(projects.put("projects.csv", text + "x\n")) == (15_001, 15_000, 0, 0, 1)
    rows = projects.rows("projects")
    assert rows[13][:6] == (14, "Name 14", None, 5, 14 * 10**12, Decimal("14.14"))
    assert [row[6] for row in rows] == [at / 7 for at in range(1, 15_001)]
    assert counts(projects.put("projects.csv", text)) == (15_000, 0, 0, 15_000, 0)


def test_large_files_without_any_reference(projects: Tables) -> None:
    text = "".join(f"{at},Project no {at},,1,,,,,,\n" for at in range(1, 20_001))
    assert len(text) > 600_000
    assert counts(projects.put("projects.csv", text)) == (20_000, 20_000, 0, 0, 0)


@made_up(20)
@given(
    budget=st.decimals(Decimal("0.5"), Decimal("9999999999.99"), places=2),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    visits=st.integers(-(2**63), 2**63 - 1),
    ends=st.dates(dt.date(2000, 1, 2)),
    seen=st.datetimes(timezones=st.just(dt.UTC)),
    name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20),
)
def test_any_value_comes_back_exactly(
    projects: Tables, *, budget: Decimal, ratio: float, visits: int, ends: dt.date, seen: dt.datetime, name: str
) -> None:
    if name.isspace() or name.lower().startswith("x"):
        return
    projects.execute("DELETE FROM projects")
    spelled = name.replace('"', '""')
    row = f'1,"{spelled}",,1,{visits},{budget},{ratio!r},true,{ends},{seen.isoformat()}\n'
    assert counts(projects.put("projects.csv", row)) == (1, 1, 0, 0, 0)
    assert projects.rows("projects") == [(1, name, None, 1, visits, budget, ratio, True, ends, seen)]
    assert counts(projects.put("projects.csv", row)) == (1, 0, 0, 1, 0)


def test_a_table_that_lacks_a_column_of_its_model_is_refused(
    new_service: Callable[..., Service], new_database: NewDatabase
) -> None:
    url = new_database()
    service = new_service(url=url)
    with service.backend.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE jobs DROP COLUMN job")
    with pytest.raises(SchemaDiffers, match="jobs"):
        new_service(url=url)


def test_a_service_can_be_started_again_on_its_own_tables(
    new_service: Callable[..., Service], new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    Tables(new_service(url=url), tmp_path).put("jobs.csv", "1,Clerk\n")
    again = Tables(new_service(url=url), tmp_path)
    assert again.rows("jobs") == [(1, "Clerk")]
    assert again.count(again.of_ledger("rejected_rows")) == 0


def test_a_class_without_a_docstring_has_no_borrowed_one(projects: Tables) -> None:
    catalog = projects.service.catalog
    assert catalog.table("departments").doc == ""
    assert catalog.table("assignments").doc.startswith("A composite key")
