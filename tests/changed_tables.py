"""A table as it became since a backup was made: columns were added, widened, renamed and made optional."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import DateTime, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import BigInteger


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    label: Mapped[str | None] = mapped_column(String(60), info={"avro_aliases": ["title", "name"]})
    ratio: Mapped[float | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    seen: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    level: Mapped[int] = mapped_column(default=3)
    fee: Mapped[Decimal] = mapped_column(Numeric(6, 2), default=Decimal("1.50"))
    since: Mapped[dt.date] = mapped_column(default=dt.date(2020, 1, 31))
    note: Mapped[str | None]


class Strict(Base):
    __tablename__ = "stricts"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    needed: Mapped[str] = mapped_column(String(60))
