"""Services on tables that a user declares, in a module of their own."""

from collections.abc import Callable

from rowferry.bootstrap import Service

HEAD = """\
from sqlalchemy import CHAR, REAL, Boolean, Date, DateTime, Double, Enum, Float, Integer, Interval, LargeBinary, Numeric
from sqlalchemy import String, Time, Uuid
from sqlalchemy import CheckConstraint, Column, Computed, ForeignKey, Identity, MetaData, Table
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

metadata = MetaData()
"""


ServiceOf = Callable[[str], Service]
"""Starts a service on the tables of a module, given by its source."""
