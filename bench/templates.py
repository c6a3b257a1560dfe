"""Databases that runs start from as copies: the parents loaded, hired_employees empty or filled."""

import shutil
from pathlib import Path

from bench.lab import Lab

PARENTS = "parents"


def postgresql_with_parents(lab: Lab) -> str:
    """The name of a database with departments and jobs in it."""
    if not lab.server.exists(PARENTS):
        lab.server.create(PARENTS)
        lab.load_aside(lab.server.url(PARENTS), *_parents(lab))
    return PARENTS


def postgresql_filled(lab: Lab, rows: int) -> str:
    """The name of a database that has so many employees, too."""
    database = f"filled_{rows}"
    if not lab.server.exists(database):
        lab.server.create(database, postgresql_with_parents(lab))
        lab.server.fill(database, lab.samples(rows) / "hired_employees.csv")
        lab.server.settle(database)
    return database


def sqlite_filled(lab: Lab, rows: int) -> Path:
    """An SQLite file that has so many employees, too."""
    database = lab.folder / f"filled-{rows}.sqlite"
    if not database.exists():
        lab.load_aside(f"sqlite:///{database}", lab.samples(rows))
    return database


def sqlite_with_parents(lab: Lab) -> Path:
    """An SQLite file with departments and jobs in it."""
    database = lab.folder / "parents.sqlite"
    if not database.exists():
        lab.load_aside(f"sqlite:///{database}", *_parents(lab))
    return database


def copy_sqlite(template: Path | None, database: Path) -> None:
    """Make a SQLite file a copy of another, or remove it; what stands beside it goes."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    if template:
        shutil.copyfile(template, database)


def _parents(lab: Lab) -> list[Path]:
    return [lab.samples(lab.rows) / name for name in ("departments.csv", "jobs.csv")]
