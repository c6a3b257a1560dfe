"""How the schema of a database stands to this program, found without Alembic, which takes long to import."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Column, Connection, MetaData, String, Table, select

from rowferry.backends.protocol import Backend
from rowferry.errors import SchemaNewer, SchemaOlder

FOLDER = Path(__file__).parent

VERSIONS = Table("rowferry_schema", MetaData(), Column("version_num", String(32), primary_key=True))
"""Holds the last migration of each history that the database has had; Alembic makes it."""

History = Literal["ledger", "models"]
"""Each is a folder of migrations; that of the models is for the tables of rowferry.models only."""


@dataclass(frozen=True)
class SchemaState:
    """What a database holds: which migrations it has had and which it lacks, and the columns of the tables asked for.

    A table that does not exist is not among the columns. `unknown` are migrations that this program does not have.
    """

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    columns: Mapping[str, set[str]]

    @property
    def is_current(self) -> bool:
        return not self.pending and not self.unknown

    def require_known(self) -> None:
        """Raise SchemaNewer if a newer program has migrated the database."""
        if self.unknown:
            raise SchemaNewer(found=", ".join(self.unknown), known=", ".join(_latest()))

    def require_current(self) -> None:
        """Raise SchemaNewer or SchemaOlder unless the database has had the very migrations that there are."""
        self.require_known()
        if self.pending:
            raise SchemaOlder(applied=", ".join(self.applied) or "none", pending=", ".join(self.pending))


def revisions(history: History) -> list[str]:
    """The migrations of a history, the first one first: `ledger_0001` is in `ledger/v0001_….py`."""
    return [f"{history}_{path.name[1:5]}" for path in sorted((FOLDER / history).glob("v[0-9]*.py"))]


def look(
    backend: Backend, connection: Connection, histories: Iterable[History], tables: Iterable[Table]
) -> SchemaState:
    """Find the state of a database, by two queries."""
    columns = backend.columns(connection, [VERSIONS, *tables])
    applied = list(connection.scalars(select(VERSIONS.c.version_num))) if VERSIONS.key in columns else []
    pending: list[str] = []
    unknown: list[str] = []
    for history in histories:
        known = revisions(history)
        had = [revision for revision in applied if revision.startswith(f"{history}_")]
        unknown += [revision for revision in had if revision not in known]
        if not unknown:
            pending += known[known.index(had[0]) + 1 :] if had else known
    return SchemaState(tuple(sorted(applied)), tuple(pending), tuple(unknown), columns)


def _latest() -> list[str]:
    return [revisions("ledger")[-1], revisions("models")[-1]]
