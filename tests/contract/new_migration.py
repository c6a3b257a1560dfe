"""Writes the migration that a history lacks: python tests/contract/new_migration.py ledger|models NAME."""

import re
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
{more}
revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    """{title}."""
    {body}
'''

_OF_LEDGER = re.compile(r"'(ix_)?rowferry_(\w+)'")
"""A name that depends on the place of the ledger: SQLite, on which migrations are tried, has a prefix instead."""


def missing(history: History, folder: Path) -> str:
    """The body of the migration that leads from the migrations there are to the tables of the program; "" if none."""
    service = Service(read_settings(f"sqlite:///{folder}/migrated.db"))
    service.upgrade()
    with service.backend.engine.connect() as connection:
        metadata = ledger.all_here(connection) if history == "ledger" else service.catalog.metadata

        def is_ours(_thing: Any, name: str | None, kind: str, *_others: Any) -> bool:
            return kind != "table" or name in metadata.tables

        context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
        operations = produce_migrations(context, metadata).upgrade_ops
    service.backend.engine.dispose()
    if operations is None or operations.is_empty():
        return ""
    body = render_python_code(operations, render_as_batch=True)
    if history == "ledger":
        body = "prefix = place_of(op.get_bind()).prefix\n    " + _OF_LEDGER.sub(r'f"\1{prefix}\2"', body)
    return body


def main(history: str, name: str) -> None:
    known = revisions(cast("History", history))
    with tempfile.TemporaryDirectory() as folder:
        body = missing(cast("History", history), Path(folder))
    if not body:
        sys.exit(f"The migrations of the {history} make what the program declares: there is nothing to write.")
    number = f"{len(known) + 1:04}"
    path = FOLDER / history / f"v{number}_{name}.py"
    text = _FILE.format(
        more="\nfrom rowferry.ledger import place_of\n" if history == "ledger" else "",
        title=name.replace("_", " ").capitalize(),
        revision=f"{history}_{number}",
        before=known[-1],
        body=body,
    )
    path.write_text(text, "utf-8")
    sys.stdout.write(f"{path}: read it, and say in its first line what it is for\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
