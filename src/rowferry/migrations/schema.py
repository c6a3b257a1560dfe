"""How the schema of a database stands to this program, found without Alembic, which takes long to import."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Table, column, select

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.errors import SchemaNewer, SchemaOlder
from rowferry.migrations import before

FOLDER = Path(__file__).parent

FIRST_IN_PLACE = "ledger_0008"
"""The migration that gives the ledger its place; a database without a ledger needs none of those before."""

History = Literal["ledger", "models"]
"""Each is a folder of migrations; that of the models is for the tables of rowferry.models only."""


@dataclass(frozen=True)
class SchemaState:
    """What a database holds: which migrations it has had and which it lacks, and the columns of `tables`.

    They are those of the ledger, then those asked for. A table that does not exist is not among the columns. `unknown`
    are migrations that this program does not have.
    """

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    tables: Sequence[Table]
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
    place = ledger.place_of(connection)
    versions, old = ledger.here(connection, ledger.versions), before.old_versions(place)
    wanted = [*ledger.all_here(connection).tables.values(), *tables]
    columns = backend.columns(connection, [versions, old, *before.unversioned(place), *wanted])
    if versions.key in columns:
        applied = _applied(connection, versions)
    else:  # what stands where the versions were, once they are elsewhere, is none of them
        applied = (
            [found for found in _applied(connection, old) if found != FIRST_IN_PLACE] if old.key in columns else []
        )
    unknown: list[str] = []
    pending: list[str] = []
    for history in histories:
        known, had = revisions(history), [revision for revision in applied if revision.startswith(f"{history}_")]
        unknown += [revision for revision in had if revision not in known]
        if had:
            pending += known[known.index(had[0]) + 1 :] if not unknown else []
        elif history == "ledger" and not before.has_unversioned(place, columns):
            pending += known[known.index(FIRST_IN_PLACE) :]
        else:
            pending += known
    return SchemaState(tuple(sorted(applied)), tuple(pending), tuple(unknown), wanted, columns)


def _applied(connection: Connection, versions: Table) -> list[str]:
    return list(connection.scalars(select(column("version_num")).select_from(versions)))


def _latest() -> list[str]:
    return [revisions("ledger")[-1], revisions("models")[-1]]
