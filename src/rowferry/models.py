"""The tables that are served by default; the only place where they are defined."""

import datetime as dt

from sqlalchemy import DateTime, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The data dictionary: every class below is a table, its docstring and docs are what people read."""


class Department(Base):
    """A department of the company."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Id of the department")
    department: Mapped[str] = mapped_column(String(255), doc="Name of the department", info={"example": "Supply Chain"})


class Job(Base):
    """A job that people are hired for."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Id of the job")
    job: Mapped[str] = mapped_column(String(255), doc="Name of the job", info={"example": "Recruiter"})


class HiredEmployee(Base):
    """A person who was hired, when, by which department and for which job."""

    __tablename__ = "hired_employees"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Id of the employee")
    name: Mapped[str] = mapped_column(
        String(255), doc="Name and surname of the employee", info={"example": "Harold Vogt"}
    )
    datetime: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True), doc="Hire date and time")
    department_id: Mapped[int] = mapped_column(
        ForeignKey("departments.id"), doc="Id of the department the employee was hired for"
    )
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), doc="Id of the job the employee was hired for")
