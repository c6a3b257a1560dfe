"""A table whose name and columns are no identifiers, without a comment, and with texts for keys."""

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Odd(Base):
    __tablename__ = "odd names/ü"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: Mapped[str] = mapped_column("the key", String(20), primary_key=True)
    percent: Mapped[int | None] = mapped_column("100 %")
