"""A table of pay, in a user's own module: one column for each kind of value that programs spell in their own ways."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Pay(Base):
    """What somebody is paid."""

    __tablename__ = "pay"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    active: Mapped[bool | None]
    born: Mapped[dt.date | None]
    rate: Mapped[float | None]
    code: Mapped[str | None] = mapped_column(String(40))
