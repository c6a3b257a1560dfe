"""Applies migrations by Alembic; imported only when a database lacks one."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from rowferry.backends.protocol import Backend
from rowferry.migrations.schema import FOLDER, VERSIONS, History, look


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


def make_missing(backend: Backend, tables: Iterable[MetaData]) -> None:
    """Make the tables that do not exist yet, one process at a time; those that do are left as they are."""
    with backend.hold("schema"), backend.short_transaction() as transaction:
        for metadata in tables:
            metadata.create_all(transaction.connection)


@cache
def migration_scripts() -> ScriptDirectory:
    """All migrations, as Alembic knows them."""
    return ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER / history) for history in ("ledger", "models")])


def _apply(connection: Connection, pending: Sequence[str]) -> None:
    scripts = migration_scripts()

    def steps(_applied: Any, _context: MigrationContext) -> list[Any]:
        found = (scripts.get_revision(revision) for revision in pending)
        return [MigrationStep.upgrade_from_script(scripts.revision_map, revision) for revision in found if revision]

    context = MigrationContext.configure(
        connection, opts={"fn": steps, "version_table": VERSIONS.name, "transactional_ddl": True}
    )
    with Operations.context(context):
        context.run_migrations()
