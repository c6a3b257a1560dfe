"""Writes the migration that a history lacks: python tests/contract/new_migration.py ledger|models NAME."""

import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

from rowferry import ledger
from rowferry.bootstrap import Service
from rowferry.migrations.schema import FOLDER, History, revisions
from rowferry.settings import read_settings

_FILE = '''"""{title}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    """{title}."""
    {body}
'''


def missing(history: History, folder: Path) -> str:
    """The body of the migration that leads from the migrations there are to the tables of the program; "" if none."""
    service = Service(read_settings(f"sqlite:///{folder}/migrated.db"))
    service.upgrade()
    metadata = ledger.metadata if history == "ledger" else service.catalog.metadata

    def is_ours(_thing: Any, name: str | None, kind: str, *_others: Any) -> bool:
        return kind != "table" or name in metadata.tables

    with service.backend.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        operations = produce_migrations(context, metadata).upgrade_ops
    service.backend.engine.dispose()
    if operations is None or operations.is_empty():
        return ""
    return render_python_code(operations, render_as_batch=True)


def main(history: str, name: str) -> None:
    known = revisions(cast("History", history))
    with tempfile.TemporaryDirectory() as folder:
        body = missing(cast("History", history), Path(folder))
    if not body:
        sys.exit(f"The migrations of the {history} make what the program declares: there is nothing to write.")
    number = f"{len(known) + 1:04}"
    path = FOLDER / history / f"v{number}_{name}.py"
    text = _FILE.format(
        title=name.replace("_", " ").capitalize(), revision=f"{history}_{number}", before=known[-1], body=body
    )
    path.write_text(text, "utf-8")
    sys.stdout.write(f"{path}: read it, and say in its first line what it is for\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
