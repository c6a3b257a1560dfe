"""A table with a column of every kind, required and optional, in a user's own module."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import DateTime, Numeric, SmallInteger, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import BigInteger


class Base(DeclarativeBase):
    pass


class Kinds(Base):
    """One column of each kind."""

    __tablename__ = "kinds"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, doc="Any number")
    note: Mapped[str] = mapped_column(String(60), doc="Any text")
    essay: Mapped[str | None] = mapped_column(Text)
    small: Mapped[int | None] = mapped_column(SmallInteger)
    middle: Mapped[int | None]
    large: Mapped[int | None] = mapped_column(BigInteger)
    ratio: Mapped[float | None]
    flag: Mapped[bool | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    day: Mapped[dt.date | None]
    clock: Mapped[dt.time | None]
    instant: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class Plain(Base):
    """Columns of the kinds that most tables have, by a number as key."""

    __tablename__ = "plains"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(String(60))
    remark: Mapped[str | None] = mapped_column(String(60))
    small: Mapped[int | None] = mapped_column(SmallInteger)
    large: Mapped[int] = mapped_column(BigInteger)
    flag: Mapped[bool | None]
    sure: Mapped[bool]
    day: Mapped[dt.date | None]
    clock: Mapped[dt.time | None]
    instant: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
