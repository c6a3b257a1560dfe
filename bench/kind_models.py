"""A table for each kind of value that is measured: a key, and a column of the kind."""

from sqlalchemy import Column, Integer, MetaData, Table

from judged_values import SAMPLES

metadata = MetaData()

for at, (column_type, _) in enumerate(SAMPLES.values()):
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    Table(f"kind_{at}", metadata, key, Column("v", column_type))
