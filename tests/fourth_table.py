"""Throw-away tables, declared in a user's own module: nothing else is edited to load them."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Numeric, SmallInteger, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import BigInteger


class Base(DeclarativeBase):
    pass


class Department(Base):
    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    department: Mapped[str] = mapped_column(String(255))


class Project(Base):
    __tablename__ = "projects"
    __table_args__ = (
        CheckConstraint("level >= 1 AND level <= 5", name="level_is_known"),
        CheckConstraint("budget IS NULL OR budget >= 0.5", name="budget_is_worth_it"),
        CheckConstraint("ends IS NULL OR ends > '2000-01-01'", name="ends_in_this_millennium"),
        CheckConstraint("name NOT LIKE 'x%'", name="name_is_no_x"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    level: Mapped[int] = mapped_column(SmallInteger)
    visits: Mapped[int | None] = mapped_column(BigInteger)
    budget: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    ratio: Mapped[float | None]
    active: Mapped[bool | None]
    ends: Mapped[dt.date | None]
    seen: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))


class Country(Base):
    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(10), primary_key=True)
    label: Mapped[str | None] = mapped_column(String(30))


class Assignment(Base):
    """A composite key, one part of which refers to a text key; and no other column."""

    __tablename__ = "assignments"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), primary_key=True, autoincrement=False)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), primary_key=True)
