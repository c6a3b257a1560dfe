"""Databases that exist already, and that others look after: none of their names is taken, and nothing is dropped."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import config

from databases import NewDatabase
from loading import Tables, counts
from rowferry.bootstrap import Service

NewService = Callable[..., Service]

MODELS = """
from sqlalchemy import Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Load(Base):
    __tablename__ = "loads"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20), index=True)

class Backup(Base):
    __tablename__ = "backups"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
"""
"""Tables with names that Rowferry gives to its own, and an index with one that it used to take."""

ENV = """
from alembic import context
from freight import Base
from sqlalchemy import NullPool, create_engine

with create_engine({url!r}, poolclass=NullPool).connect() as connection:
    context.configure(connection, target_metadata=Base.metadata, include_schemas={schemas})
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def alembic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs Alembic for the models of its user in a folder of hers."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "freight", raising=False)
    (tmp_path / "freight.py").write_text(MODELS)
    (tmp_path / "alembic.ini").write_text(f"[alembic]\nscript_location = {tmp_path}/migrations\n")
    (folder := tmp_path / "migrations" / "versions").mkdir(parents=True)
    shutil.copy(Path(config.__file__).with_name("templates") / "generic" / "script.py.mako", folder.parent)

    def run(url: str, *words: str, schemas: bool = False) -> None:
        env = ENV.format(url=url.replace("postgresql://", "postgresql+psycopg://"), schemas=schemas)
        (folder.parent / "env.py").write_text(env)
        config.main(["--config", str(tmp_path / "alembic.ini"), *words])  # what the command runs

    return run


def test_alembic_proposes_nothing_for_the_ledger(
    new_database: NewDatabase, new_service: NewService, alembic: Callable[..., None], tmp_path: Path
) -> None:
    """Her tables have the names of ours, and her own versions stay hers."""
    url = new_database()
    alembic(url, "revision", "--autogenerate", "--message", "first")
    alembic(url, "upgrade", "head")
    tables = Tables(new_service("freight", url), tmp_path)
    assert counts(tables.put("loads.csv", "1,on its way\n2\n")) == (2, 1, 0, 0, 1)
    assert [load["rejected"] for load in tables.loads()] == [1]
    alembic(url, "check")  # it fails if there is anything to do
    tables.execute("CREATE TABLE forgotten (id integer)")
    alembic(url, "revision", "--autogenerate", "--message", "second", schemas=True)
    (second,) = (tmp_path / "migrations" / "versions").glob("*second.py")
    assert second.read_text().count("op.drop_table('forgotten')") == second.read_text().count("op.drop_") == 1
    assert tables.count("alembic_version") == 1


def test_tables_with_rows_are_taken_as_they_are(
    new_database: NewDatabase, new_service: NewService, alembic: Callable[..., None], tmp_path: Path
) -> None:
    """Their rows, what else is in the database, and the version of a foreign Alembic stay."""
    url = new_database()
    alembic(url, "revision", "--autogenerate", "--message", "first")
    alembic(url, "upgrade", "head")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO loads VALUES (1, 'done'), (2, 'new')")
        connection.exec_driver_sql("CREATE VIEW open_loads AS SELECT id FROM loads WHERE status = 'new'")
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    engine.dispose()
    tables = Tables(new_service("freight", url), tmp_path)
    assert counts(tables.put("loads.csv", "1,done\n2,done\n3,new\n", on_conflict="update")) == (3, 1, 1, 1, 0)
    assert tables.rows("loads") == [(1, "done"), (2, "done"), (3, "new")]
    assert tables.count("open_loads") == 1
    assert tables.count(f"alembic_version WHERE version_num = '{version}'") == 1
