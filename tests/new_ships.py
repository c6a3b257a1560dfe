"""The same table today: columns were renamed, made wider, made optional, added and dropped."""

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import BigInteger


class Base(DeclarativeBase):
    pass


class Ship(Base):
    __tablename__ = "ships"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(40), info={"avro_aliases": ["name"]})
    tons: Mapped[float]
    note: Mapped[str | None] = mapped_column(String(20))
    masts: Mapped[int] = mapped_column(BigInteger)
    sails: Mapped[int] = mapped_column(default=3)
    built: Mapped[dt.date | None]
