"""A table as it was before its columns were changed."""

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Ship(Base):
    __tablename__ = "ships"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(10))
    tons: Mapped[int]
    note: Mapped[str] = mapped_column(String(20))
    masts: Mapped[int]
    port: Mapped[str] = mapped_column(String(10))
