"""Applies migrations by Alembic; imported only when a database lacks one."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, delete, func, insert, select

from rowferry import ledger
from rowferry.backends.protocol import Backend
from rowferry.dictionary.place import Place
from rowferry.migrations.schema import FIRST_IN_PLACE, FOLDER, History, look


def upgrade(backend: Backend, histories: Iterable[History]) -> tuple[str, ...]:
    """Apply the migrations that the database lacks, all in one transaction; those that were applied.

    Of several processes one does it, and the others wait. One that is killed leaves the database as it was.

    Raises:
        SchemaNewer: A newer program has migrated the database.
    """
    with backend.hold("schema"), backend.short_transaction() as transaction:
        state = look(backend, transaction.connection, histories, [])
        state.require_known()
        if state.pending:
            _apply(transaction.connection, state.pending)
        return state.pending


def make_missing(backend: Backend, models: MetaData) -> None:
    """Make the tables that do not exist yet, one process at a time; those that do are left as they are."""
    with backend.hold("schema"), backend.short_transaction() as transaction:
        for metadata in (ledger.all_here(transaction.connection), models):
            metadata.create_all(transaction.connection)


@cache
def migration_scripts() -> ScriptDirectory:
    """All migrations, as Alembic knows them."""
    return ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER / history) for history in ("ledger", "models")])


def _apply(connection: Connection, pending: Sequence[str]) -> None:
    run_scripts(connection, pending)
    _note(connection, pending)


def run_scripts(connection: Connection, pending: Sequence[str]) -> None:
    """Make the changes of migrations, without a note that they were made."""
    scripts = migration_scripts()
    with Operations.context(MigrationContext.configure(connection)):
        for revision in pending:
            script = scripts.get_revision(revision)
            with _within(connection, ledger.place_of(connection) if _is_in_place(revision) else None):
                script.module.upgrade()


def _is_in_place(revision: str) -> bool:
    return revision.startswith("ledger_") and revision > FIRST_IN_PLACE


@contextmanager
def _within(connection: Connection, place: Place | None) -> Iterator[None]:
    """Let migrations name the tables of the ledger without their schema."""
    if place is None or place.schema is None:
        yield
        return
    before = connection.scalar(select(func.current_setting("search_path")))
    schema = connection.dialect.identifier_preparer.quote(place.schema)
    connection.execute(select(func.set_config("search_path", schema, True)))
    yield
    connection.execute(select(func.set_config("search_path", before, True)))


def _note(connection: Connection, pending: Sequence[str]) -> None:
    """Note which migrations the database has had last."""
    versions = ledger.here(connection, ledger.versions)
    versions.create(connection, checkfirst=True)
    last = {revision.partition("_")[0]: revision for revision in pending}
    for history, revision in last.items():
        connection.execute(delete(versions).where(versions.c.version_num.startswith(history)))
        connection.execute(insert(versions), {"version_num": revision})
