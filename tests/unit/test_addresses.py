"""Addresses of networks and devices have one spelling, which is that of PostgreSQL."""

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import CIDR, INET, MACADDR, MACADDR8

from rowferry.kinds.networks import INET as INETS
from rowferry.kinds.registry import kind_of
from rowferry.kinds.unfit import UnfitError

_KEPT = [
    (INET(), "192.0.2.1/32", "192.0.2.1"),
    (INET(), "192.0.2.1/0", "192.0.2.1/0"),
    (INET(), "2001:DB8:0:0::1/128", "2001:db8::1"),
    (INET(), "::ffff:c000:201", "::ffff:192.0.2.1"),
    (INET(), "::192.0.2.1", "::192.0.2.1"),
    (INET(), "::2", "::2"),
    (INET(), "::1:0", "::0.1.0.0"),
    (INET(), "::ffff:0:0", "::ffff:0.0.0.0"),
    (INET(), "::1:2:3", "::1:2:3"),
    (INET(), "1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    (INET(), "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
    (CIDR(), "192.0.2.1", "192.0.2.1/32"),
    (CIDR(), "2001:db8::/32", "2001:db8::/32"),
    (MACADDR(), "08-00-2B-01-02-03", "08:00:2b:01:02:03"),
    (MACADDR8(), "08-00-2B-01-02-03-04-05", "08:00:2b:01:02:03:04:05"),
]


@pytest.mark.parametrize(("column_type", "text", "kept"), _KEPT, ids=str)
def test_an_address_has_one_spelling(column_type: sa.types.TypeEngine[object], text: str, kept: str) -> None:
    kind, _ = kind_of(column_type)
    assert kind.parse(text) == kept
    assert kind.parse(kept) == kept


def test_it_is_that_of_postgresql(postgresql_server: sa.URL) -> None:
    engine = sa.create_engine(postgresql_server, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for column_type, text, kept in _KEPT:
            cast = column_type.compile(engine.dialect)
            assert connection.exec_driver_sql(f"SELECT format('%%s', '{text}'::{cast})", ()).scalar_one() == kept


@pytest.mark.parametrize(
    ("column_type", "text"),
    [
        *(
            (INET(), text)
            for text in ("", "1.2.3", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/255.0.0.0", "::1%a", "01.2.3.4")
        ),
        *((CIDR(), text) for text in ("192.0.2.1/24", "10/8", "x")),
        *((MACADDR(), text) for text in ("08:00:2b:01:02", "08:00-2b:01:02:03", "08002b010203")),
        *((MACADDR8(), text) for text in ("08:00:2b:01:02:03", "08:00:2b:01:02:03-04:05")),
    ],
    ids=str,
)
def test_what_is_none_is_refused(column_type: sa.types.TypeEngine[object], text: str) -> None:
    kind, arrow = kind_of(column_type)
    with pytest.raises(UnfitError):
        kind.parse(text)
    assert not kind.read(pa.array([text], pa.string()), arrow)[1].any()


def test_what_postgresql_would_never_send_is_refused_as_such() -> None:
    with pytest.raises(pa.ArrowInvalid):
        INETS.received(pa.array([None, "1.2.3"], pa.string()), pa.string())


def test_a_column_of_another_type_is_none() -> None:
    assert INETS.kept_by_postgresql("inet", pa.string())
    assert not INETS.kept_by_postgresql("text", pa.string())
    assert not INETS.takes(1, pa.int64())
