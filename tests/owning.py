"""Services on tables that a user declares, in a module of their own."""

from collections.abc import Callable

from rowferry.bootstrap import Service

HEAD = """\
from sqlalchemy import CHAR, REAL, Boolean, Date, DateTime, Double, Float, Integer, Numeric, String
from sqlalchemy import CheckConstraint, Column, Computed, ForeignKey, ForeignKeyConstraint, Identity, MetaData, Table
from sqlalchemy import UniqueConstraint

metadata = MetaData()
"""


ServiceOf = Callable[[str], Service]
"""Starts a service on the tables of a module, given by its source."""
