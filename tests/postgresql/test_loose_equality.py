"""Columns of PostgreSQL to which different texts are the same: by an ICU collation, or of the type citext.

Values are compared as bytes all the same; and where texts tell rows apart, such a column is refused at the start.
"""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from batching import Batches, department
from loading import DEPARTMENTS, Tables, counts, employees, lines
from made_up import made_up
from owning import ServiceOf
from restoring import Restores, counts as changes
from rowferry.errors import SchemaDiffers
from rowferry.reports.listed import REPORTS
from rowferry.reports.report import answer
from rowferry.reports.year import Year
from speaking import only_postgresql

pytestmark = only_postgresql

LOOSE = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"

LETTERS = ["aAáÁàâ", "oOóÓô", "sS", "iIíÍ", "eEéÉ"]
"""Letters that are the same to the collation; citext takes each for another but in case."""


@pytest.fixture(params=["varchar(255) COLLATE loose", "citext"])
def loose(request: pytest.FixtureRequest, tables: Tables) -> Tables:
    """Departments whose names are compared loosely."""
    tables.execute(f"{LOOSE}; CREATE EXTENSION citext")
    tables.execute(f"ALTER TABLE departments ALTER department TYPE {request.param}")
    tables.service.start()
    return tables


@st.composite
def alike(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts that differ in case and accents at most."""
    letters = draw(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6))
    one, other = ("".join(draw(st.sampled_from(same)) for same in letters) for _ in range(2))
    return one, other


@made_up(10)
@given(texts=alike())
def test_texts_are_equal_only_if_their_bytes_are(loose: Tables, texts: tuple[str, str]) -> None:
    before, after = texts
    differ = int(before != after)
    restores, batches = Restores(loose), Batches(loose)
    loose.execute("DELETE FROM departments")
    loose.put("departments.csv", lines([(1, before)]))
    source = restores.keep("departments")
    file = loose.write("departments.csv", lines([(1, after)]))
    assert loose.load(file).total("rejected") == differ
    assert loose.load(file, dry_run=True, on_conflict="update").total("updated") == differ
    assert loose.load(file, on_conflict="update").total("updated") == differ
    assert loose.rows("departments") == [(1, after)]
    assert batches.put({"departments": [department(1, before)]}).rejected == [] or differ
    assert batches.put({"departments": [department(1, before)]}, on_conflict="update").updated == {
        "departments": differ
    }
    assert loose.rows("departments") == [(1, before)]
    loose.load(file, on_conflict="update")
    rehearsed = restores.rehearse(source)
    assert changes(rehearsed) == (0, differ, 0, 1 - differ, 0)
    shown = [{"key": {"id": 1}, "columns": ["department"]}] if differ else []
    assert rehearsed.tables[0].examples["changed"] == shown
    assert changes(restores.restore(source)) == (0, differ, 0, 1 - differ, 0)
    assert loose.rows("departments") == [(1, before)]


def test_many_rows_are_compared_alike(loose: Tables) -> None:
    many = 12_000
    loose.put("departments.csv", lines((number, f"Name {number}") for number in range(many)))
    source = Restores(loose).keep("departments")
    other = lines((number, f"NAME {number}") for number in range(many))
    assert counts(loose.put("departments.csv", other, on_conflict="update")) == (many, 0, many, 0, 0)
    assert changes(Restores(loose).restore(source)) == (0, many, 0, 0, 0)
    assert loose.rows("departments")[7] == (7, "Name 7")


def test_backups_and_references_go_by_the_key(loose: Tables) -> None:
    loose.put("departments.csv", DEPARTMENTS.replace("Legal", "SALES"))
    loose.put("jobs.csv", "1,a\n2,b\n3,c\n")
    assert loose.put("hired_employees.csv", employees(30)).total("inserted") == 30
    kept = Restores(loose).back_up("departments")
    before = loose.rows("departments")
    loose.execute("UPDATE departments SET department = lower(department)")
    assert changes(Restores(loose).restore(kept))[1] == 3
    assert loose.rows("departments") == before


def test_reports_tell_names_apart(loose: Tables) -> None:
    loose.put("departments.csv", DEPARTMENTS.replace("Legal", "SALES"))
    loose.put("jobs.csv", "1,Clerk\n2,Clerk\n3,Clerk\n")
    loose.put("hired_employees.csv", employees(30))
    found = answer(REPORTS["hires-by-quarter"], loose.service.backend, loose.service.catalog, Year.parse("2021"))
    assert [(row["department"], row["q3"]) for row in found.rows] == [("SALES", 10), ("Sales", 10), ("Support", 10)]


PARENTS = """\
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint
metadata = MetaData()
parents = Table("parents", metadata, Column("code", String(9), primary_key=True))
{}
"""


@pytest.mark.parametrize("kind", ["varchar(9) COLLATE loose", "citext"])
@pytest.mark.parametrize(
    ("table", "of"),
    [
        ("parents", ""),
        (
            "other",
            'Table("other", metadata, Column("id", Integer, primary_key=True), Column("code", String, unique=True))',
        ),
        (
            "other",
            'Table("other", metadata, Column("id", Integer, primary_key=True), Column("code", String), '
            'Index("both", "id", "code", unique=True))',
        ),
        (
            "other",
            'Table("other", metadata, Column("id", Integer, primary_key=True), '
            'Column("code", String, ForeignKey("parents.code")))',
        ),
    ],
)
def test_texts_that_tell_rows_apart_are_refused(
    service_of: ServiceOf, tmp_path: Path, table: str, of: str, kind: str
) -> None:
    tables = Tables(service_of(PARENTS.format(of)), tmp_path)
    tables.execute(f"{LOOSE}; CREATE EXTENSION citext")
    # From version 18 on, the database itself refuses a reference by another collation.
    tables.execute("ALTER TABLE IF EXISTS other DROP CONSTRAINT IF EXISTS other_code_fkey")
    tables.execute(f"ALTER TABLE {table} ALTER code TYPE {kind}")
    told = "citext" if kind == "citext" else "loose"
    with pytest.raises(SchemaDiffers) as caught:
        tables.service.start()
    assert caught.value.message == (
        f"The table {table} in the database differs from its model: it lacks code; it also has code by {told}, "
        "which treats different texts as equal"
    )
