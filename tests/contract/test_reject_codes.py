"""Each reject code has its small file, and the file gives that code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loading import Tables
from rowferry.bootstrap import Service
from rowferry.dictionary.faults import RejectCode

FILES = Path(__file__).parents[1] / "data" / "rejects"

OF_OTHER_SOURCES = {RejectCode.NOT_AN_OBJECT, RejectCode.UNKNOWN_COLUMN}
"""Only JSON can break these; they get their files with batch_transactions."""

GENERATED = {RejectCode.TOO_LONG: b"1,Clerk\n2," + 1_048_575 * b"x" + b"\n"}
"""Files that are too large to be kept."""

OF_DATABASE = "database.positive_pay"
"""One of the codes that end in a name which others have chosen."""

TABLE = {RejectCode.CHECK: "graded", RejectCode.REFERENCE: "workers"}
"""The table that has the rule; jobs for all others."""

OF_CSV = sorted(set(RejectCode) - OF_OTHER_SOURCES)


def test_every_code_of_csv_has_a_file_and_every_file_has_a_code() -> None:
    assert {path.name for path in FILES.iterdir()} == {
        f"{code}.csv" for code in (*OF_CSV, OF_DATABASE) if code not in GENERATED
    }


@pytest.mark.parametrize("code", OF_CSV, ids=str)
def test_the_file_of_a_code_gives_exactly_that_code(
    new_service: Callable[..., Service], tmp_path: Path, code: RejectCode
) -> None:
    tables = Tables(new_service("reject_tables"), tmp_path)
    tables.put("jobs.csv", "1,Clerk\n5,Boss\n")
    content = GENERATED[code] if code in GENERATED else (FILES / f"{code}.csv").read_bytes()
    receipt = tables.put("input.csv", content, table=TABLE.get(code, "jobs"))
    assert receipt.tables[0].rejected_by_code == {str(code): 1}
    (row,) = tables.rejects()
    (error,) = row["errors"]
    assert error["code"] == code
    assert error["message"]
    assert "\n" not in error["message"]
    assert row["row_number"] > 1


def test_the_file_of_a_rule_of_the_database_gives_its_name(new_service: Callable[..., Service], tmp_path: Path) -> None:
    tables = Tables(new_service("reject_tables"), tmp_path)
    tables.execute("DROP TABLE graded")
    columns = "id INTEGER PRIMARY KEY, name VARCHAR(255) NOT NULL, grade INTEGER NOT NULL"
    tables.execute(f"CREATE TABLE graded ({columns}, CONSTRAINT positive_pay CHECK (grade < 100))")
    receipt = tables.put("input.csv", (FILES / f"{OF_DATABASE}.csv").read_bytes(), table="graded")
    assert receipt.tables[0].rejected_by_code == {OF_DATABASE: 1}
    assert tables.codes() == [(2, [OF_DATABASE])]
