"""Tables of other shapes than our own: the line items of TPC-H with what they refer to, and one column of each kind."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of these benchmarks."""


class Order(Base):
    """What a customer ordered."""

    __tablename__ = "orders"
    o_orderkey: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    o_orderdate: Mapped[dt.date]


class Part(Base):
    """What is sold."""

    __tablename__ = "parts"
    p_partkey: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    p_name: Mapped[str] = mapped_column(String(55))


class LineItem(Base):
    """A part of an order, with the columns of TPC-H's lineitem."""

    __tablename__ = "lineitem"
    l_orderkey: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.o_orderkey"), primary_key=True)
    l_partkey: Mapped[int] = mapped_column(ForeignKey("parts.p_partkey"))
    l_suppkey: Mapped[int]
    l_linenumber: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    l_quantity: Mapped[Decimal] = mapped_column(Numeric(15, 2))
    l_extendedprice: Mapped[Decimal] = mapped_column(Numeric(15, 2))
    l_discount: Mapped[Decimal] = mapped_column(Numeric(15, 2))
    l_tax: Mapped[Decimal] = mapped_column(Numeric(15, 2))
    l_returnflag: Mapped[str] = mapped_column(String(1))
    l_linestatus: Mapped[str] = mapped_column(String(1))
    l_shipdate: Mapped[dt.date]
    l_commitdate: Mapped[dt.date]
    l_receiptdate: Mapped[dt.date]
    l_shipinstruct: Mapped[str] = mapped_column(String(25))
    l_shipmode: Mapped[str] = mapped_column(String(10))
    l_comment: Mapped[str] = mapped_column(String(44))


class Reading(Base):
    """What an instrument showed: two integers, two decimals, a float, a truth value, a date and a text."""

    __tablename__ = "readings"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    station: Mapped[int]
    level: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    ratio: Mapped[float]
    active: Mapped[bool]
    day: Mapped[dt.date]
    note: Mapped[str] = mapped_column(String(60))
