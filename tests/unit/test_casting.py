"""Values in another type are the same ones, or null."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from rowferry.arrow.casting import same_values

HALF, LONG = Decimal("0.5"), Decimal("1.234")
DAY, LATER = dt.datetime(2021, 1, 1), dt.datetime(2021, 1, 1, 9)  # noqa: DTZ001  # of a column without a zone
CASES: list[tuple[list[Any], pa.DataType, pa.DataType, list[Any]]] = [
    ([1, 2**40, None, -(2**31)], pa.int64(), pa.int32(), [1, None, None, -(2**31)]),
    ([1, None], pa.int32(), pa.int64(), [1, None]),
    ([HALF, LONG, Decimal(12345)], pa.decimal128(8, 3), pa.decimal128(6, 2), [HALF, None, None]),
    ([HALF], pa.decimal128(6, 2), pa.decimal128(8, 3), [HALF]),
    ([Decimal(7), HALF], pa.decimal128(6, 2), pa.int32(), [7, None]),
    ([7, 10**7], pa.int32(), pa.decimal128(6, 0), [Decimal(7), None]),
    ([2**53, 2**53 + 1], pa.int64(), pa.float64(), [2.0**53, None]),
    ([0.5, 0.1, 1e300, math.inf], pa.float64(), pa.float32(), [0.5, None, None, math.inf]),
    ([Decimal("1.5"), Decimal("0.1")], pa.decimal128(30, 5), pa.float64(), [1.5, 0.1]),
    ([0.5, 0.105, math.nan], pa.float64(), pa.decimal128(6, 2), [HALF, None, None]),
    ([DAY, LATER, None], pa.timestamp("us"), pa.date32(), [DAY.date(), None, None]),
    ([None, None], pa.bool_(), pa.binary(16), [None, None]),
    ([], pa.int64(), pa.decimal128(6, 0), []),
]  # fmt: skip


@pytest.mark.parametrize(("given", "arrow", "to", "expected"), CASES, ids=str)
def test_what_has_not_the_same_value_is_null(
    given: list[Any], arrow: pa.DataType, to: pa.DataType, expected: list[Any]
) -> None:
    found = same_values(pa.array(given, arrow), to)
    assert (found.type, found.to_pylist()) == (to, expected)


def test_values_of_the_type_itself_are_not_copied() -> None:
    values = pa.array([1, 2])
    assert same_values(values, pa.int64()) is values
