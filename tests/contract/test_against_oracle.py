"""Files of every kind of fault, held against an independent oracle, on both databases.

`ROWFERRY_TORTURE_ROWS=1000000 pytest tests/contract/test_against_oracle.py` is what `make torture` runs.
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, strategies as st

import oracle
from loading import DEPARTMENTS, JOBS, Tables
from made_up import made_up
from rowferry.bootstrap import Service

ROWS = int(os.environ.get("ROWFERRY_TORTURE_ROWS", "20000"))

KEYS: dict[str, set[Any]] = {"departments": {1, 2, 3}, "jobs": {1, 2, 3}}

TEXTS = (
    "1|2|3|4|-1|+2|03|1.0|| |2147483648|x|Ann Lee|2021-07-01T10:00:00Z|2021-07-01 10:00|2021-02-29T00:00Z|é"
    '|\u3000|\ufeff1|"2"|"1\n2"|"|a"b|"a,b"|"a""b"|"a"x|\r|\0'
)
cells = st.sampled_from([*TEXTS.encode().split(b"|"), b"\xff", b"n" * 255, b"n" * 256])
good_rows = st.tuples(
    st.integers(1, 5).map(lambda key: b"%d" % key),
    st.sampled_from([b"Ann", b'"Bo, B."', b'"C\n""D"""']),
    st.sampled_from([b"2021-07-01T10:00:00Z", b"2021-07-01T12:00:00+02:00", b"2021-07-01 10:00"]),
    st.integers(1, 4).map(lambda key: b"%d" % key),
    st.integers(1, 3).map(lambda key: b"%d" % key),
).map(list)
spoiled_rows = st.tuples(good_rows, st.integers(0, 4), cells).map(
    lambda parts: [*parts[0][: parts[1]], parts[2], *parts[0][parts[1] + 1 :]]
)
odd_rows = st.lists(cells, max_size=7)
line_ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])
files = st.tuples(
    st.lists(st.tuples((good_rows | spoiled_rows | odd_rows).map(b",".join), line_ends).map(b"".join), max_size=12),
    st.sampled_from([b"", b"", b"4,last,2021-07-01 10:00,1,1", b'"', b"\r"]),
).map(
    lambda parts: b"9,so that no file begins with strange bytes,2021-01-01 00:00,1,1\n" + b"".join(parts[0]) + parts[1]
)


@pytest.fixture
def employees(tables: Tables) -> Tables:
    tables.put("departments.csv", DEPARTMENTS)
    tables.put("jobs.csv", JOBS)
    return tables


def hold_against_oracle(tables: Tables, data: bytes, expected: oracle.Expected) -> None:
    receipt = tables.put("hired_employees.csv", data)
    (told,) = receipt.tables
    rejects = [oracle.as_reject(row) for row in tables.rejects(receipt.load_id)]
    assert rejects == expected.rejects
    assert tables.rows("hired_employees") == sorted(expected.rows.values())
    assert (told.rows_read, told.inserted, told.unchanged, told.rejected) == (
        expected.rows_read,
        expected.inserted,
        expected.unchanged,
        len(expected.rejects),
    )
    by_code: dict[str, int] = {}
    for reject in expected.rejects:
        for code in {code for _, code in reject.found}:
            by_code[code] = by_code.get(code, 0) + 1
    assert told.rejected_by_code == by_code


@made_up(30)
@given(first=files, second=files)
def test_small_files(employees: Tables, first: bytes, second: bytes) -> None:
    table = employees.service.catalog.table("hired_employees").table
    with employees.service.backend.engine.begin() as connection:
        connection.execute(sa.delete(table))
    empty = oracle.expect(first, oracle.HIRED_EMPLOYEES, KEYS)
    hold_against_oracle(employees, first, empty)
    hold_against_oracle(employees, second, oracle.expect(second, oracle.HIRED_EMPLOYEES, KEYS, empty.rows))


def spoil(row: list[str], chance: random.Random) -> str | bytes:
    """A row with one fault or two; each kind of fault is as likely as any other."""
    kind = chance.randrange(16)
    column = chance.randrange(5)
    if kind < 5:
        odd = ["", " ", "1.0", "2021-02-29T00:00:00Z", "3000000000", "n" * 256, "1_0", "today", "-", "x\0y", "99"]
        row[column] = chance.choice(odd)
        if kind == 4:
            row[(column + 2) % 5] = chance.choice(odd)
        return ",".join(row)
    whole = ",".join(row)
    earlier = 1 + chance.randrange(int(row[0]))
    odd_rows: list[str | bytes] = [
        whole.rpartition(",")[0],
        whole + ",",
        whole + '"',
        whole.replace(" ", '"', 1),
        f'{row[0]},"{row[1]}"x,{row[2]},1,1',
        f'{row[0]},"never closed,{row[2]},1,1',
        whole.encode().replace(b" ", b"\xff\xfe", 1),
        "",
        f"{row[0]},{row[1]},{row[2]},{3 + earlier},0",
        f"{earlier},again,{row[2]},1,1",
        f'{row[0]},"a\r\nb, ""c""",{row[2]},,2',
    ]
    return odd_rows[kind - 5]


def torture(rows: int) -> Iterator[bytes]:
    """A file in which one row of ten has a fault, and some good rows are hard to read; always the same."""
    chance = random.Random(20_211)
    for number in range(1, rows + 1):
        at = f"2021-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00Z"
        row = [str(number), f"Name {number}", at, str(number % 3 + 1), str(number % 3 + 1)]
        if number == rows // 2:
            yield b"%d,%s,x,1,1\n" % (number, 1_100_000 * b"long")
        elif chance.random() < 0.1:
            line = spoil(row, chance)
            yield (line if isinstance(line, bytes) else line.encode()) + b"\n"
        elif chance.random() < 0.05:
            row[1] = chance.choice(['"Doe, John"', '"two\nlines"', '"say ""hi"""', "José Ñandú", "名前 氏", '""""'])
            row[2] = chance.choice([at.replace("T", " "), at[:-1], at.replace("Z", ".25-03:30"), "2020-02-29T23:59Z"])
            yield ",".join(row).encode() + b"\r\n"
        else:
            yield ",".join(row).encode() + b"\n"


@pytest.fixture(scope="module")
def tortured() -> tuple[bytes, oracle.Expected]:
    data = b"".join(torture(ROWS))
    return data, oracle.expect(data, oracle.HIRED_EMPLOYEES, KEYS)


@pytest.mark.timeout(3_600)
def test_a_large_file_with_every_kind_of_fault(employees: Tables, tortured: tuple[bytes, oracle.Expected]) -> None:
    data, expected = tortured
    assert len({code for reject in expected.rejects for _, code in reject.found}) == 11
    hold_against_oracle(employees, data, expected)


@pytest.mark.timeout(3_600)
def test_into_a_table_that_holds_half_of_it(employees: Tables, tortured: tuple[bytes, oracle.Expected]) -> None:
    data, expected = tortured
    half = {key: row for key, row in expected.rows.items() if key[0] % 2}
    table = employees.service.catalog.table("hired_employees")
    rows = [dict(zip(table.names, row, strict=True)) for row in half.values()]
    for row in rows[::10]:
        row["name"] = "Somebody else"
        half[(row["id"],)] = tuple(row.values())
    with employees.service.backend.engine.begin() as connection:
        connection.execute(sa.insert(table.table), rows)
    hold_against_oracle(employees, data, oracle.expect(data, oracle.HIRED_EMPLOYEES, KEYS, half))


@pytest.mark.timeout(3_600)
def test_a_file_in_which_every_row_is_rejected(
    new_service: Callable[..., Service], tmp_path: Path, tortured: tuple[bytes, oracle.Expected]
) -> None:
    tables = Tables(new_service(), tmp_path)
    data, _ = tortured
    nobody: dict[str, set[Any]] = {"departments": set(), "jobs": set()}
    hold_against_oracle(tables, data, oracle.expect(data, oracle.HIRED_EMPLOYEES, nobody))
    assert tables.rows("hired_employees") == []
