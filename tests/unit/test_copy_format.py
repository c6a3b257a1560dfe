"""Where PostgreSQL takes rows as CSV, what CSV has no form for is spelled as PostgreSQL reads it."""

import uuid
from decimal import Decimal

import pyarrow as pa

from rowferry.backends.postgresql.copy_format import copy_format


def test_bytes_identifiers_and_spans_are_spelled() -> None:
    columns = {
        "count": pa.array([Decimal(7), None], pa.decimal128(5, 0)),
        "bytes": pa.array([b"\0\xff", None]),
        "identifier": pa.array([uuid.UUID(int=10), None], pa.binary(16)),
        "span": pa.array([(14, -3, 1_500_000_000), None], pa.month_day_nano_interval()),
        "number": pa.array(["1.00", None], pa.large_string()),
    }
    batch = pa.record_batch(list(columns.values()), names=list(columns))
    form = copy_format(batch.schema)
    assert form.options == "FORMAT csv"
    written = (form.begin() + form.rows(batch) + form.end()).decode().splitlines()
    assert written == [rf'7,"\x00ff","{uuid.UUID(int=10).hex}","P1Y2M-3DT1.5S","1.00"', ",,,,"]
